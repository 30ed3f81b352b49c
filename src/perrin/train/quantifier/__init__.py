"""The quantifier: contrast, stay and motion of landings."""
