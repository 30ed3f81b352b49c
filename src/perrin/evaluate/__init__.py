"""Figures of merit, measured against simulated truth."""
