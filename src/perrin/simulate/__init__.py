"""Simulated measurements with ground truth."""
