"""Figures and summaries for people."""
