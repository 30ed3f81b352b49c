"""The one exception that perrin raises for bad input."""


class PerrinError(ValueError):
    """Bad input: the message says the value, what is wrong with it, and what to do."""
