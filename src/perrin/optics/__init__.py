"""How a molecule looks (point-spread functions) and how a camera records it."""
