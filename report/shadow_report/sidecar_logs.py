"""What a line of a container's log has around it, and what a proxy says of itself in between. Pure.

`kubectl logs` puts the pod (--prefix) and the kubelet's time (--timestamps) before a line; a container runtime's
own file (CRI) has the time, the stream, and whether the line goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_BEFORE = re.compile(
    rb"(?:\[pod/(?P<pod>[a-z0-9.-]+)/[a-z0-9.-]+\] )?(?:"
    + _TIME
    + rb" (?:(?P<stream>stdout|stderr) (?P<tag>[FP])(?::\S*)? )?)?"
)
# Istio's agent and Envoy as it starts it; the same as JSON; Envoy alone.
_OWN = re.compile(
    _TIME
    + rb"\t(?:debug|info|warn|warning|error|critical|fatal|trace)\t"
    + rb'|\{"level":"[a-z]+",'
    + rb"|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[[a-z]+\]"
)
_OF_A_REQUEST = (b"{", b"[20")


def is_wrapped(raw: bytes) -> bool:
    """Does something stand before the line?"""
    found = _BEFORE.match(raw)
    return found is not None and found.end() > 0


def unwrapped(lines: Iterable[bytes]) -> Iterator[tuple[bytes, str | None]]:
    """Each line without what stands before it, and its pod if that is said; pieces of a line are put together."""
    pieces: dict[tuple[str | None, bytes | None], bytes] = {}
    for raw in lines:
        found = _BEFORE.match(raw)
        if found is None:  # cannot be: every part is optional
            continue
        pod = found["pod"].decode() if found["pod"] else None
        log = (pod, found["stream"])
        text = pieces.pop(log, b"") + raw[found.end() :]
        if found["tag"] == b"P":
            pieces[log] = text
        else:
            yield text, pod
    for (pod, _), text in pieces.items():
        yield text, pod


class Own:
    """Tells the lines that a proxy says of itself, and what follows them, such as its config."""

    def __init__(self) -> None:
        self._goes_on = False

    def says(self, text: bytes) -> bool:
        """Is this one, of a line that cannot be read as a request?"""
        if _OWN.match(text):
            self._goes_on = True
        elif text.startswith(_OF_A_REQUEST):
            self._goes_on = False
        return self._goes_on

    def request(self) -> None:
        """A request's line came: what cannot be read after it is not the proxy's."""
        self._goes_on = False
