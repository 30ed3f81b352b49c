"""Movies of single particles, turned into masses, motions and how sure we are of them."""

from perrin._version import __version__
from perrin.errors import PerrinError

__all__ = ["PerrinError", "__version__"]
