"""What the checks found, for people and for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict

from .judging import CHECKS, HEALTHY, NEED_A_CONFIG, Diagnosis
from .subject import Subject

_WIDTH = 100


def as_json(subject: Subject, found: Diagnosis, status: int) -> str:
    told = {
        "service": subject.name,
        "namespace": subject.namespace,
        "comparedWithConfig": found.compared,
        "status": status,
        "findings": [{"check": name, **asdict(finding)} for name, finding in found.findings],
        "notChecked": [{"check": name, "why": why} for name, why in found.not_checked],
    }
    return json.dumps(told, indent=2)


def as_text(subject: Subject, found: Diagnosis, status: int) -> str:
    lines = [f"service {subject.name} in namespace {subject.namespace}"]
    for name, finding in found.findings:
        lines += ["", *_wrapped(f"{finding.severity.upper()} ({name}): ", finding.what)]
        lines += [*_wrapped("  why: ", finding.why), *_wrapped("  do:  ", finding.do)]
    reasons: dict[str, list[str]] = {}
    for name, why in found.not_checked:
        reasons.setdefault(why, []).append(name)
    lines += [""] if reasons else []
    for why, names in reasons.items():
        lines += _wrapped("NOT CHECKED: ", f"{', '.join(names)}, for want of {why}")
    lines.append("")
    if status == HEALTHY:
        left_out = 0 if found.compared else len(NEED_A_CONFIG)
        lines.append(f"{len(CHECKS) - left_out} checks, nothing dangerous.")
    if not found.compared:
        lines.append("What is there was compared with no config: --stack does that.")
    return "\n".join(lines).rstrip()


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * (len(head) if len(head) < 10 else 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
