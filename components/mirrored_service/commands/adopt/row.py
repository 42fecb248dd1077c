"""What becomes of an object that was found."""

from __future__ import annotations

from dataclasses import dataclass

TAKEN = "taken over"  # it becomes the stack's, or its content is in the config
REPLACED = "replaced by ours"  # an object of the stack does its work, and the steps delete it
STAYS = "stays as it is"
CANNOT = "cannot be expressed"  # something of it would be lost, or the steps would lose requests
VERDICTS = (TAKEN, REPLACED, STAYS, CANNOT)


@dataclass(frozen=True)
class Row:
    what: str  # the object, as the user would name it to kubectl
    verdict: str
    why: str
    do: str = ""  # "": nothing
