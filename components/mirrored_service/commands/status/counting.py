"""How many requests reached each version between two readings of its proxies' counters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .roles import Role

# With so many expected, none at all is no accident (1 in 20,000).
ENOUGH = 10


@dataclass(frozen=True)
class Reading:
    """What the proxies of the pods have counted, and when."""

    at: float  # seconds
    counts: Mapping[str, int]  # by pod
    unread: Mapping[str, str]  # by pod: why its proxy did not tell


@dataclass(frozen=True)
class Counted:
    """What reached the versions."""

    seconds: float
    requests: Mapping[str, int]  # by version; a version none of whose pods tells is missing
    unread: Mapping[str, str]

    def live(self, roles: Sequence[Role]) -> int:
        return sum(self.requests.get(role.version, 0) for role in roles if role.weight)


def between(first: Reading, last: Reading, roles: Sequence[Role]) -> Counted:
    """A proxy forgets its count when it gets no request for a while: a count that is lower than before is new."""
    found = {}
    for role in roles:
        counts = [
            (first.counts[name], last.counts[name])
            for pod in role.pods
            if (name := pod["metadata"]["name"]) in first.counts and name in last.counts
        ]
        if counts:
            found[role.version] = sum(
                after - before if after >= before else after for before, after in counts
            )
    return Counted(last.at - first.at, found, {**first.unread, **last.unread})


def missed(roles: Sequence[Role], counted: Counted) -> tuple[list[str], list[str]]:
    """What --expect is about: versions that should get requests and get none; and those of which that cannot be
    told, with why."""
    live = counted.live(roles)
    none, unclear = [], []
    for role in roles:
        share = role.weight or role.percent
        if not share or counted.requests.get(role.version):
            continue
        expected = live * share / 100
        if role.version not in counted.requests:
            unclear.append(f"{role.version}: no proxy of its pods tells what it got")
        elif expected >= ENOUGH:
            none.append(role.version)
        else:
            unclear.append(
                f"{role.version}: of {live} live requests in {counted.seconds:.0f} s it should get "
                f"{expected:.2g}, too few to tell"
            )
    return none, unclear
