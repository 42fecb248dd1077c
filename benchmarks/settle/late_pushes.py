"""A mesh in which proxies learn of everything as late as they ever do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lab import Lab

# istiod pushes once nothing has changed for PILOT_DEBOUNCE_AFTER (0.1 s), but no later than PILOT_DEBOUNCE_MAX
# (10 s) after a change. On a mesh that never rests every push comes after 10 s; with this it does at rest, too.
LATEST = "PILOT_DEBOUNCE_AFTER=10s"
DEFAULT = "PILOT_DEBOUNCE_AFTER-"


@contextlib.contextmanager
def late_pushes(lab: Lab) -> Iterator[None]:
    """istiod pushes 10 s after a change, for as long as the block runs."""
    _restart_istiod(lab, LATEST)
    try:
        yield
    finally:
        _restart_istiod(lab, DEFAULT)


def _restart_istiod(lab: Lab, setting: str) -> None:
    istiod = ("deployment/istiod", "--namespace=istio-system")
    lab.kubectl("set", "env", *istiod, setting)
    lab.kubectl("rollout", "status", *istiod, "--timeout=120s")
