"""The page: one HTML file without scripts, that loads nothing."""

from shadow_report.output.page.render import render

__all__ = ["render"]
