"""``python -m perrin`` is the command ``perrin``."""

from perrin.cli import main

main()
