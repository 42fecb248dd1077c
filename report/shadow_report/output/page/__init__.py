"""The page: one HTML file without scripts, that loads nothing."""

from shadow_report.output.page.render import render
from shadow_report.output.page.sections import REQUEST_ID

__all__ = ["REQUEST_ID", "render"]
