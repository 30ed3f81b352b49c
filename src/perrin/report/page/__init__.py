"""The report: one HTML file that needs no server, no network and no Python to be read."""

from perrin.report.page.render import render_report, write_report

__all__ = ["render_report", "write_report"]
