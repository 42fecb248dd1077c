"""Which answers are digested, and how."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class AnswerDigests:
    key: str | pulumi.Output[str]  # of an Output nothing is checked yet
    one_of: int
    max_json_bytes: int  # bytes
    hide_names: bool
