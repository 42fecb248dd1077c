"""What becomes of what was found, for people and for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import steps
from .adoption import Adoption
from .row import VERDICTS
from .steps import Way

_WIDTH = 100


def as_json(found: Adoption, way: Way, paths: Sequence[Path], status: int) -> str:
    told = {
        "service": found.running.name,
        "namespace": found.running.namespace,
        "version": found.running.version,
        "status": status,
        "objects": [asdict(row) for row in found.rows],
        "podsDiffer": found.changed,
        "notWritten": found.secrets,
        "warnings": found.warned,
        "files": [str(path) for path in paths],
        "steps": [steps.as_json(step) for step in way.steps],
        "wayOut": [steps.as_json(step) for step in way.out],
    }
    return json.dumps(told, indent=2)


def as_text(found: Adoption, way: Way, paths: Sequence[Path], status: int) -> str:
    running = found.running
    lines = [
        f"service {running.name} in namespace {running.namespace}; what runs becomes version {running.version}",
        "",
    ]
    width = max(len(row.what) for row in found.rows)
    for row in sorted(found.rows, key=lambda each: VERDICTS.index(each.verdict)):
        lines.append(f"{row.what:{width}}  {row.verdict}")
        lines += _wrapped("    why: ", row.why)
        lines += _wrapped("    do:  ", row.do) if row.do else []
    lines += _listed("The stack's pods are those that run, but for this:", found.changed)
    lines += _listed("Not written, as they may be secret:", found.secrets)
    lines += _listed("The component warns:", found.warned)
    lines += _listed("Written:", [str(path) for path in paths])
    lines.append("")
    lines.append("Nothing was changed. What to do, in which order, and the way out: steps.md.")
    if status:
        lines.append("Something cannot be expressed: see to that first.")
    return "\n".join(lines)


def _listed(head: str, entries: Sequence[str]) -> list[str]:
    return ["", head, *(line for entry in entries for line in _wrapped("  - ", entry))] if entries else []


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
