"""The second AnDi challenge: its folders in, its submissions out, scored by its own library."""
