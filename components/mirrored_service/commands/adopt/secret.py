"""Values that may be secret: they are not written, and nobody is shown them. Pure."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"pass|pwd|secret|token|credential|private|salt|dsn|auth|cert|(^|[_-])keys?$|api[_-]?key", re.IGNORECASE
)
# A password in an address, or a key.
_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN ")


class Secret(str):
    """A value that the config gets from the user, as a secret of Pulumi's."""

    __slots__ = ()


def guarded(name: str, value: str) -> str:
    """The value, marked where its name or itself looks like a secret."""
    return Secret(value) if value and (_NAME.search(name) or _VALUE.search(value)) else value
