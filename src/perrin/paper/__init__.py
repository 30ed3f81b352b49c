"""The experiments of paper 002 on simulated measurements, beside the bound of a perfect filter."""
