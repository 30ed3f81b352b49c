"""What benchmarks and tests measure with, and nobody who analyses needs."""
