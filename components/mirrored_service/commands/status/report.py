"""What `status` prints. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .counting import Counted
from .roles import Role

_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Status:
    service: str
    namespace: str
    roles: Sequence[Role]
    methods: Sequence[str]  # of the requests that are copied; none: every one
    counted: Counted
    waiting: Sequence[str]
    last_up: Mapping[str, Any] | None  # of the stack's history
    none: Sequence[str]  # versions that should get requests and get none
    unclear: Sequence[str]

    def as_json(self) -> str:
        live = self.counted.live(self.roles)
        versions = [
            {
                "version": role.version,
                "role": role.name,
                "weight": role.weight,
                "mirrorPercent": role.percent,
                "podsReady": role.ready,
                "podsWanted": role.wanted,
                "requests": self.counted.requests.get(role.version),
                "percentOfLiveRequests": _share(self.counted.requests.get(role.version), live),
            }
            for role in self.roles
        ]
        told = {
            "service": self.service,
            "namespace": self.namespace,
            "seconds": round(self.counted.seconds, 1),
            "versions": versions,
            "copiedMethods": list(self.methods) or ["*"],
            "waiting": list(self.waiting),
            "notCounted": dict(self.counted.unread),
            "lastUp": {key: self.last_up.get(key) for key in ("startTime", "result")}
            if self.last_up
            else None,
            "getNothing": list(self.none),
            "unclear": list(self.unclear),
        }
        return json.dumps(told)

    def as_text(self, now: datetime, *, expect: bool) -> str:
        lines = [f"service {self.service} in namespace {self.namespace}", "", *self._table()]
        if self.methods and any(role.percent for role in self.roles):
            lines.append(f"Only {', '.join(self.methods)} requests are copied.")
        lines += [f"WAITS: {line}" for line in self.waiting]
        lines += [f"NOT COUNTED at {pod}: {why}" for pod, why in self.counted.unread.items()]
        if self.last_up:
            lines.append(
                f"Last `up`: {self.last_up.get('result')}, {age(self.last_up.get('startTime'), now)}"
            )
        if expect:
            lines += [f"GETS NOTHING: {version}" for version in self.none]
            lines += [f"CANNOT TELL: {line}" for line in self.unclear]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        live = self.counted.live(self.roles)
        seconds = f"in {self.counted.seconds:.0f} s"
        rows = [("version", "role", "pods ready", f"requests {seconds}", "of live requests")]
        for role in self.roles:
            got = self.counted.requests.get(role.version)
            share = _share(got, live)
            told = role.weight or role.percent
            wanted = "others'" if role.wanted is None else str(role.wanted)
            rows.append(
                (
                    role.version,
                    f"{role.name} {told:g} %" if told else role.name,
                    f"{role.ready} of {wanted}",
                    "?" if got is None else str(got),
                    "-"
                    if share is None or not told
                    else f"{share:.4g} %" + ("" if role.weight else " copied"),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]


def age(begun: object, now: datetime) -> str:
    """How long ago a moment of Pulumi's history is."""
    try:
        then = datetime.fromisoformat(str(begun).replace("Z", "+00:00"))
        passed = (now - then).total_seconds()
    except (TypeError, ValueError):
        return f"at {begun}"
    size, unit = next((found for found in _UNITS if passed >= 2 * found[0]), _UNITS[-1])
    return f"{passed / size:.0f} {unit} ago"


def _share(got: int | None, live: int) -> float | None:
    return None if got is None or not live else round(100 * got / live, 2)
