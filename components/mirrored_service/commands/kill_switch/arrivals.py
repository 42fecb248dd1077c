"""When the last copy arrived, as far as counters can tell that are read from time to time. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A line of Envoy's `clusters` page about the pod's own container: requests that the proxy passed on to it.
_PASSED_ON = re.compile(r"^inbound\|.*::rq_total::(\d+)$", re.MULTILINE)


def requests_passed_on(clusters: str) -> int:
    """How many requests a pod's proxy has passed on to the pod's container, going by its `clusters` page.

    Probes are not among them: the kubelet's go past the proxy.
    """
    return sum(map(int, _PASSED_ON.findall(clusters)))


@dataclass
class Arrivals:
    """Counters of several proxies, and the moment after which none of them rose."""

    last: float | None = None
    _counts: dict[str, int] = field(default_factory=dict)

    def read(self, proxy: str, count: int, at: float) -> None:
        """Takes note of a counter that was read; `at` is when the reading was complete.

        A proxy forgets its count when it sees no requests for a while. So a count other than the one before, and
        not 0, means requests since; and whatever a first reading counts came before it.
        """
        if count not in (0, self._counts.get(proxy)):
            self.last = max(at, self.last or at)
        self._counts[proxy] = count

    @property
    def proxies(self) -> list[str]:
        return sorted(self._counts)
