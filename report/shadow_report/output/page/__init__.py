"""The page: one HTML file without scripts, that loads nothing."""

from shadow_report.output.page.parts import REQUEST_ID
from shadow_report.output.page.render import render

__all__ = ["REQUEST_ID", "render"]
