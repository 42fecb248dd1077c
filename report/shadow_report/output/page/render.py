"""Puts the sections into the template. The style sheet's hash is the page's own content security policy."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, StrictUndefined

from shadow_report import words
from shadow_report.compare.run import Run
from shadow_report.judge.statements import Result, Verdict
from shadow_report.judge.thresholds import Thresholds
from shadow_report.output.page import sections
from shadow_report.output.page.parts import trusted

VERSION = "0.1.0"


def render(run: Run, verdict: Verdict, thresholds: Thresholds, trace_link: str = "") -> str:
    """The whole page. Everything that comes from the logs is escaped. `trace_link`: where the trace of a request
    is, with {request_id} in its place; "" for no links."""
    folder = resources.files(__package__)
    style = folder.joinpath("report.css").read_text(encoding="utf-8")
    # Jinja and browsers must see the same bytes, or the hash is of another text: nothing in it may be escaped.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(folder.joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        style=trusted(style),
        style_hash=f"sha256-{digest}",
        verdict=verdict,
        reasons=verdict.reasons,
        live=run.sides["live"].name,
        shadow=run.sides["shadow"].name,
        sections=sections.sections(run, verdict, thresholds, trace_link),
        results=[result.value for result in Result],
        version=VERSION,
        lines=words.count(run.lines, "line"),
    )
