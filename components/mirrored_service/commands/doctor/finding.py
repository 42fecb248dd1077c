"""What the checks say."""

from __future__ import annotations

from dataclasses import dataclass

DANGER = "danger"  # requests are lost, answered by the wrong version, or copies reach what they must not
WARNING = "warning"  # works now, and fails or surprises under conditions that `why` names
NOTE = "note"  # worth knowing; nothing needs to be done
SEVERITIES = (DANGER, WARNING, NOTE)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    severity: str
    what: str  # which object, and what about it
    why: str  # what comes of it
    do: str  # what to do about it


@dataclass(frozen=True)
class NotChecked:
    """What could not be read, so that a check tells nothing, or not all."""

    why: str


class NotReadError(Exception):
    """A check needs what could not be read; the text says what, and why not."""
