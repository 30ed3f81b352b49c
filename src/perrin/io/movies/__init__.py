"""Movies, one file a format: each finds the movie in a file and says what it knows of it.

A reader is a function ``find(path, asked) -> Found`` (`perrin.io.found.Found`); which one is
called follows from the first bytes of the file (`perrin.io.sniff`). `perrin.io.opening` does
what is the same for all formats: the user's options, checks, dead pixels.
"""
