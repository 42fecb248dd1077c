"""The walkthrough's check: sends requests through the ingress gateway and reads what each version logged."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import requests

from lab.cluster.lab import Lab
from mirrored_service.description.service import Service

PATH_START = "/walkthrough-"
ARRIVAL_SECONDS = 10  # how long a copy may take until it is logged
FIRST_COPY_SECONDS = 5


@dataclass(frozen=True)
class VersionSeen:
    """What one version logged of the requests sent."""

    version: str
    role: str
    logged: int
    expected: tuple[int, int]  # least and most that fit the configured share
    configured: str
    forwarded_for: str  # the header of one of its requests

    @property
    def as_configured(self) -> bool:
        return self.expected[0] <= self.logged <= self.expected[1]


@dataclass(frozen=True)
class Report:
    """What came of the requests."""

    sent: int
    statuses: dict[str, int]
    answered_by: dict[str, int]
    versions: tuple[VersionSeen, ...]
    gained: str | None  # the address that the copies' X-Forwarded-For has more
    gained_owner: str | None

    @property
    def problems(self) -> list[str]:
        found = []
        if self.statuses != {"200": self.sent}:
            found.append(f"live requests failed: {_counts(self.statuses)} of {self.sent} sent")
        live = {seen.version for seen in self.versions if seen.role == "live"}
        if strangers := set(self.answered_by) - live:
            found.append(f"answered by {', '.join(sorted(strangers))}, which is not live")
        for seen in self.versions:
            if not seen.as_configured:
                least, most = seen.expected
                wanted = str(least) if least == most else f"{least} to {most}"
                found.append(f"{seen.version} ({seen.role}) logged {seen.logged} requests, not {wanted}")
        if any(seen.role == "shadow" and seen.logged for seen in self.versions) and not self.gained_owner:
            found.append("the copies' X-Forwarded-For did not gain the address of a pod")
        return found

    def as_json(self) -> str:
        return json.dumps({**asdict(self), "problems": self.problems}, indent=2)

    def as_text(self) -> str:
        rows = [
            (
                f"{seen.version} ({seen.role})",
                str(seen.logged),
                f"{100 * seen.logged / self.sent:.4g} %",
                seen.configured,
                seen.forwarded_for or "-",
            )
            for seen in self.versions
        ]
        lines = [
            f"{self.sent} requests through the ingress gateway: {_counts(self.statuses)}, "
            f"answered by {_counts(self.answered_by)}",
            "",
            *_table(("version", "logged", "share", "configured", "X-Forwarded-For of one request"), rows),
            "",
        ]
        if self.gained:
            lines.append(
                f"X-Forwarded-For of the copies gained {self.gained}: {self.gained_owner or 'nobody we know'}"
            )
        lines += [f"NOT AS CONFIGURED: {problem}" for problem in self.problems] or ["As configured."]
        return "\n".join(lines)


def check(lab: Lab, service: Service, count: int = 100) -> Report:
    """Sends `count` GET requests to the service through the gateway and reports who saw what."""
    _wait_for_copies(lab, service)
    run = f"{PATH_START}{uuid.uuid4().hex[:8]}"
    statuses, answered_by = _send(lab.gateway_url, _host_header(service), run, count)
    logs = _collect_logs(lab, service, run, count)
    gained = _gained(service, logs)
    return Report(
        sent=count,
        statuses=dict(statuses),
        answered_by=dict(answered_by),
        versions=tuple(_version_seen(service, name, logs[name], count) for name in logs),
        gained=gained,
        gained_owner=pod_with_address(lab, gained) if gained else None,
    )


def _wait_for_copies(lab: Lab, service: Service) -> None:
    """Proxies learn of a shadow's pods a moment after `up` has ended, and drop copies until then: sends requests
    until each shadow has got one, or the time is over."""
    waiting = [subset.name for subset in service.shadows if expected_logged(service, subset.name, 1)[1]]
    give_up = time.monotonic() + FIRST_COPY_SECONDS
    while waiting and time.monotonic() < give_up:
        run = f"{PATH_START}{uuid.uuid4().hex[:8]}"
        _send(lab.gateway_url, _host_header(service), run, 10)
        time.sleep(0.2)
        waiting = [name for name in waiting if not access_log(lab, service, name, run)]


def access_log(lab: Lab, service: Service, version: str, path: str) -> list[dict[str, Any]]:
    """The access log lines of a version's pods whose request path starts with `path`."""
    labels = service.pod_labels(next(found for found in service.subsets if found.name == version))
    text = lab.kubectl(
        "logs",
        f"--namespace={service.namespace}",
        f"--selector={','.join(f'{name}={value}' for name, value in labels.items())}",
        f"--container={service.name}",
        "--tail=-1",
        "--prefix=false",
        "--ignore-errors",
    )
    lines = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    return [line for line in lines if line["path"].startswith(path)]


def pod_with_address(lab: Lab, address: str) -> str | None:
    """Who has this address: a pod as namespace/name."""
    pods = json.loads(lab.kubectl("get", "pods", "--all-namespaces", "--output=json"))["items"]
    for pod in pods:
        if pod["status"].get("podIP") == address and not pod["spec"].get("hostNetwork"):
            return f"pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
    return None


def expected_logged(service: Service, version: str, count: int) -> tuple[int, int]:
    """Least and most of `count` requests that a version should log, given its weight or percentage.

    Shares between 0 and 100 % are drawn by chance for each request: five standard deviations fit either way.
    """
    subset = next(subset for subset in service.subsets if subset.name == version)
    copied = subset.mirror_shares() if service.mirror_match.copies_get_of(PATH_START) else []
    shares = [subset.weight] if subset.live else copied
    certain = sum(share == 100 for share in shares) * count
    chance = sum(share / 100 for share in shares if share != 100)
    spread = 5 * math.sqrt(count * chance * (1 - chance)) if chance else 0
    least, most = certain + count * chance - spread, certain + count * chance + spread
    return max(certain, math.floor(least)), min(certain + count * math.ceil(chance), math.ceil(most))


def _send(url: str, host: str, run: str, count: int) -> tuple[Counter[str], Counter[str]]:
    statuses: Counter[str] = Counter()
    answered_by: Counter[str] = Counter()
    with requests.Session() as session:
        session.trust_env = False
        for number in range(count):
            try:
                answer = session.get(f"{url}{run}/{number}", headers={"Host": host}, timeout=10)
            except requests.RequestException as problem:
                statuses[type(problem).__name__] += 1
                continue
            statuses[str(answer.status_code)] += 1
            words = answer.text.split()  # "nginx v1 <pod>"
            if answer.status_code == 200 and len(words) > 1:
                answered_by[words[1]] += 1
    return statuses, answered_by


def _host_header(service: Service) -> str:
    host = service.hosts[0]
    return "walkthrough.example" if host == "*" else host.replace("*", "walkthrough")


def _collect_logs(lab: Lab, service: Service, run: str, count: int) -> dict[str, list[dict[str, Any]]]:
    """The log lines of every version, once all that are expected at the least have arrived."""
    give_up = time.monotonic() + ARRIVAL_SECONDS
    while True:
        logs = {subset.name: access_log(lab, service, subset.name, run) for subset in service.subsets}
        complete = all(len(logs[name]) >= expected_logged(service, name, count)[0] for name in logs)
        if complete or time.monotonic() > give_up:
            return logs
        time.sleep(0.3)


def _version_seen(service: Service, version: str, lines: list[dict[str, Any]], count: int) -> VersionSeen:
    subset = next(subset for subset in service.subsets if subset.name == version)
    role = "live" if subset.live else "shadow" if subset.shadow else "idle"
    share = subset.weight if subset.live else subset.mirror_percent
    return VersionSeen(
        version=version,
        role=role,
        logged=len(lines),
        expected=expected_logged(service, version, count),
        configured=f"{share:g} % {'of requests' if subset.live else 'copied'}",
        forwarded_for=lines[0]["x_forwarded_for"] if lines else "",
    )


def _gained(service: Service, logs: dict[str, list[dict[str, Any]]]) -> str | None:
    """The address that the copy of a request has more in X-Forwarded-For than the request itself."""
    original = {line["path"]: _addresses(line) for subset in service.live for line in logs[subset.name]}
    for subset in service.shadows:
        for line in logs[subset.name]:
            more = _addresses(line)
            before = original.get(line["path"])
            if before is not None and more[: len(before)] == before and len(more) == len(before) + 1:
                return more[-1]
    return None


def _addresses(line: dict[str, Any]) -> list[str]:
    return [address.strip() for address in line["x_forwarded_for"].split(",")]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} x {what}" for what, count in sorted(counts.items())) or "nobody"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
