"""Settings of every step: plain data with physical bounds, saved beside the results."""
