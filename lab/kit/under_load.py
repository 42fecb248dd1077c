"""A stack that is changed while requests come in, each of which is counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import Lab
from lab.kit.changes import Change, Subsets
from lab.kit.client_pods import run_load_pod
from lab.kit.load import Counted, Stream, from_pod, load, through_gateway
from lab.kit.scratch import ScratchStack

# Of which two labs side by side leave the cores room: what else waits for a processor is no loss of ours.
RATES = (50, 30, 15)
# What a caller is told whose proxy has sent a request over a connection that the other proxy just closes.
CLOSED = "reset reason: connection termination"
V1_ALONE = {"v1": {"image": "lab.local/nginx-v1:1", "weight": 100}}


def from_everywhere(lab: Lab, namespace: str, host: str, rates: tuple[int, int, int] = RATES) -> list[Stream]:
    """Requests to `nginx`: through the gateway, there over kept connections, and from a pod in the mesh."""
    new, kept, inside = rates
    pod = run_load_pod(lab, namespace)
    return [
        through_gateway(lab, host, rate=new),
        through_gateway(lab, host, rate=kept, keep_alive=True),
        from_pod(namespace, pod, "http://nginx/load", rate=inside),
    ]


class UnderLoad:
    """A stack that is under load from outside and from inside the mesh while it changes."""

    def __init__(
        self,
        deployed: ScratchStack,
        subsets: dict[str, Any] | None = None,
        rates: tuple[int, int, int] = RATES,
        **settings: Any,
    ) -> None:
        """`rates` are requests/s: through the gateway, there over kept connections, and from inside the mesh.
        `settings` hold throughout, where a change does not say otherwise."""
        self.deployed = deployed
        self.settings = settings
        self._ended: Subsets | None = None
        self.begin_with(subsets or V1_ALONE)
        streams = from_everywhere(deployed.lab, deployed.namespace, deployed.host, rates)
        self.streams = streams if deployed.service.entered else streams[-1:]

    def begin_with(self, subsets: dict[str, Any], **settings: Any) -> None:
        """Without load: what the change under test starts from."""
        self._ended = None
        self.deployed.deploy(subsets, **{**self.settings, **settings})

    def change_to(self, subsets: dict[str, Any], **settings: Any) -> list[Counted]:
        with load(self.deployed.lab, self.streams) as counted:
            self.begin_with(subsets, **settings)
        return counted

    def go_through(self, change: Change) -> list[Counted]:
        """The change, from what the one before it ended with, or from what is deployed before the load begins."""
        if self._ended != change.before:
            self.begin_with(change.before)
        counted = self.change_to(change.after)
        self._ended = change.after
        return counted

    @contextmanager
    def nothing_lost(self, *answering: str, closed: int = 0) -> Iterator[None]:
        """Load during the block, of which nothing may be lost; `answering` may answer."""
        with load(self.deployed.lab, self.streams) as counted:
            yield
        assert_nothing_lost(counted, set(answering), closed)


def assert_nothing_lost(counted: list[Counted], answering: set[str], closed: int = 0) -> None:
    """`closed`: how many requests of all may meet a connection that a proxy just closes, as the change is one of
    the listeners of a proxy that goes on serving (docs/safety.md)."""
    lost = sum(stream.lost(answering) for stream in counted)
    met = sum(count for stream in counted for why, count in stream.failures.items() if CLOSED in why)
    for stream in counted:
        print(
            f"{stream.stream}: {stream.sent} sent, {stream.lost(answering)} lost, "
            f"{stream.longest_gap:.2f} s without answer"
        )
        if stream.moments:
            print(
                f"  failed from {stream.moments[0]:.2f} to {stream.moments[-1]:.2f}: {dict(stream.failures)}"
            )
    assert lost <= min(met, closed), "lost: see what is printed of each stream"
    assert all(stream.sent > 50 for stream in counted), counted
