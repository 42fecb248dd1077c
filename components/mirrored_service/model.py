"""The rules: turns arguments into a checked, complete and frozen description of the service.

Pure: no resource is made here. Every default and every cross-check is in this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from . import args as public
from .validation import MISSING, Fields, InvalidArgsError, matches, number

PROTOCOLS = ("http", "http2", "grpc")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LEAST_PERCENT = 0.0001  # below, Istio copies nothing without a word
LABEL_LENGTH = 63

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")  # a Service's name starts with a letter
_HOST = re.compile(r"\*|(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_GATEWAY = re.compile(rf"{_LABEL.pattern}/{_LABEL.pattern}(\.{_LABEL.pattern})*")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+|m|k|Ki|[MGTPE]i?)?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PATH = re.compile(r"/\S*")
_IMAGE = re.compile(r"\S+")
_LABEL_TEXT = "a DNS label: a-z, 0-9 and '-', at most 63"


@dataclass(frozen=True)
class Probe:
    path: str | None  # None: open a TCP connection instead
    period_seconds: int
    timeout_seconds: int
    failure_threshold: int


@dataclass(frozen=True)
class Rollout:
    max_surge: int
    max_unavailable: int
    deadline_seconds: int


@dataclass(frozen=True)
class Stop:
    delay_seconds: int
    grace_seconds: int


@dataclass(frozen=True)
class Subset:
    name: str
    image: pulumi.Input[str]
    weight: int
    mirror_percent: float
    replicas: int
    container_port: int
    env: Mapping[str, pulumi.Input[str]]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    command: tuple[str, ...]
    args: tuple[str, ...]
    probe: Probe
    rollout: Rollout
    stop: Stop

    @property
    def live(self) -> bool:
        return self.weight > 0

    @property
    def shadow(self) -> bool:
        return self.mirror_percent > 0

    def mirror_shares(self) -> list[float]:
        """The percentages of this subset's mirrors: Istio takes at most 100 for one, so 250 is 100, 100, 50."""
        full, rest = divmod(self.mirror_percent, 100)
        rest = round(rest, 4)
        return [100] * int(full) + ([int(rest) if rest == int(rest) else rest] if rest else [])


@dataclass(frozen=True)
class Gateway:
    existing: str | None
    selector: Mapping[str, str]
    port: int


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    create_namespace: bool
    port: int
    protocol: str
    hosts: tuple[str, ...]
    gateway: Gateway
    subsets: tuple[Subset, ...]  # by name, so that the order in which they were written changes nothing
    methods: tuple[str, ...]
    settle_seconds: float

    @property
    def live(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.live]

    @property
    def shadows(self) -> list[Subset]:
        return [subset for subset in self.subsets if subset.shadow]

    @property
    def main(self) -> Subset:
        """The live subset with the largest weight; of equals, the first by name."""
        return max(self.live, key=lambda subset: subset.weight)

    @property
    def copies_everything(self) -> bool:
        return self.methods == ("*",)

    @property
    def host(self) -> str:
        """The name callers inside the cluster use."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"

    @property
    def versions_name(self) -> str:
        return f"{self.name}-versions"

    @property
    def versions_host(self) -> str:
        """The name only the mesh's routes use: every version is behind it."""
        return f"{self.versions_name}.{self.namespace}.svc.cluster.local"

    def urls(self) -> list[str]:
        """Where the service is reached through its own gateway; a wildcard host has no URL."""
        if self.gateway.existing:
            return []
        port = "" if self.gateway.port == 80 else f":{self.gateway.port}"
        return [f"http://{host}{port}/" for host in self.hosts if "*" not in host]


def parse(values: public.MirroredServiceArgs) -> Service:
    """Checks arguments (see `args.MirroredServiceArgs`) and fills in the defaults.

    Raises InvalidArgsError with every problem found.
    """
    problems: list[str] = []
    fields = Fields("", values, _keys(public.MirroredServiceArgs), problems)
    protocol = fields.choice("protocol", "http", PROTOCOLS)
    port = fields.whole("port", 80, 1, 65535)
    service = Service(
        name=fields.text("name", MISSING, _LABEL_TEXT + ", starting with a letter", _SERVICE_NAME),
        namespace=fields.text("namespace", MISSING, _LABEL_TEXT, _LABEL),
        create_namespace=fields.flag("createNamespace", True),
        port=port,
        protocol=protocol,
        hosts=_hosts(fields),
        gateway=_gateway(fields),
        subsets=_subsets(fields, port, protocol),
        methods=_methods(fields),
        settle_seconds=fields.value(
            "settleSeconds", 2.0, "a number from 0 to 300", lambda raw: number(raw, 0, 300)
        ),
    )
    if not problems:
        _check_weights(service, problems)
        _check_lengths(service, problems)
        _check_grpc(service, problems)
    if problems:
        raise InvalidArgsError(f"mirrored service {fields.values.get('name', '')!r}", problems)
    return service


def _keys(typed_dict: type) -> frozenset[str]:
    return frozenset(typed_dict.__annotations__)


def _hosts(fields: Fields) -> tuple[str, ...]:
    allowed = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
    hosts = fields.texts("hosts", ("*",), allowed)
    for position, host in enumerate(hosts):
        # Istio takes a name without a dot for one inside the cluster and appends the namespace.
        if not matches(_HOST, host) or host in hosts[:position]:
            fields.problem(f"hosts[{position}]", host, allowed)
    if not hosts:
        fields.problem("hosts", [], allowed)
    return hosts


def _gateway(fields: Fields) -> Gateway:
    gateway = fields.section("gateway", _keys(public.GatewayArgs))
    existing = gateway.value(
        "existing", None, '"namespace/name"', lambda raw: raw if matches(_GATEWAY, raw) else None
    )
    selector = gateway.mapping(
        "selector", "labels of the gateway's pods", lambda _, label: isinstance(label, str)
    )
    for key in ("selector", "port"):
        if existing and gateway.values.get(key) is not None:
            gateway.problem(key, gateway.values[key], "nothing next to existing, whose owner sets it")
    return Gateway(existing, selector or {"istio": "ingressgateway"}, gateway.whole("port", 80, 1, 65535))


def _methods(fields: Fields) -> tuple[str, ...]:
    match = fields.section("mirrorMatch", _keys(public.MirrorMatchArgs))
    allowed = f'["*"], or a list of {", ".join(METHODS)}'
    methods = match.texts("methods", SAFE_METHODS, allowed)
    if methods != ("*",) and (not methods or not set(methods) <= set(METHODS)):
        match.problem("methods", list(methods), allowed)
    return tuple(dict.fromkeys(methods))


def _subsets(fields: Fields, port: int, protocol: str) -> tuple[Subset, ...]:
    allowed = f"versions by name, each name {_LABEL_TEXT}"
    raw = fields.mapping("subsets", allowed, lambda name, _: matches(_LABEL, name))
    if not raw:
        fields.problem("subsets", fields.values.get("subsets"), "at least one version")
    return tuple(
        _subset(
            name,
            Fields(f"subsets.{name}", raw[name], _keys(public.SubsetArgs), fields.problems),
            port,
            protocol,
        )
        for name in sorted(raw, key=str)
    )


def _subset(name: str, fields: Fields, port: int, protocol: str) -> Subset:
    requests, limits = _resources(fields)
    subset = Subset(
        name=name,
        image=fields.value("image", MISSING, "a container image", _image),
        weight=fields.whole("weight", 0, 0, 100),
        mirror_percent=fields.value(
            "mirrorPercent", 0.0, f"0, or a number from {LEAST_PERCENT} to 1000", _mirror_percent
        ),
        replicas=fields.whole("replicas", 1, 1, 10_000),
        container_port=fields.whole("containerPort", port, 1, 65535),
        env=fields.mapping("env", "variables whose values are strings (put numbers in quotes)", _env_entry),
        requests=requests,
        limits=limits,
        command=fields.texts("command", (), "a list of strings"),
        args=fields.texts("args", (), "a list of strings"),
        probe=_probe(fields, protocol),
        rollout=_rollout(fields),
        stop=_stop(fields),
    )
    if subset.live and subset.shadow:
        fields.problem(
            "mirrorPercent",
            subset.mirror_percent,
            f"0 next to weight {subset.weight}, as a version is live or a shadow, never both",
        )
    return subset


def _image(raw: Any) -> pulumi.Input[str] | None:
    return raw if isinstance(raw, pulumi.Output) or matches(_IMAGE, raw) else None


def _mirror_percent(raw: Any) -> float | None:
    return number(raw, 0, 0) if raw == 0 else number(raw, LEAST_PERCENT, 1000)


def _env_entry(name: Any, value: Any) -> bool:
    return matches(_ENV_NAME, name) and isinstance(value, str | pulumi.Output)


def _resources(fields: Fields) -> tuple[dict[str, str], dict[str, str]]:
    section = fields.section("resources", _keys(public.ResourcesArgs))
    allowed = 'Kubernetes quantities as strings, such as "250m" or "128Mi"'
    requests, limits = (
        section.mapping(key, allowed, lambda _, quantity: matches(_QUANTITY, quantity))
        for key in ("requests", "limits")
    )
    for name, quantity in (("cpu", "100m"), ("memory", "128Mi")):
        # With a limit and no request, Kubernetes requests the limit; a default above it would be refused.
        if name not in requests and name not in limits:
            requests[name] = quantity
    return requests, limits


def _probe(fields: Fields, protocol: str) -> Probe:
    probe = fields.section("probe", _keys(public.ProbeArgs))
    return Probe(
        path=probe.value(
            "path",
            "/" if protocol == "http" else None,
            'a path, such as "/healthz"',
            lambda raw: raw if matches(_PATH, raw) else None,
        ),
        period_seconds=probe.whole("periodSeconds", 2, 1, 3600),
        timeout_seconds=probe.whole("timeoutSeconds", 1, 1, 3600),
        failure_threshold=probe.whole("failureThreshold", 3, 1, 1000),
    )


def _rollout(fields: Fields) -> Rollout:
    section = fields.section("rollout", _keys(public.RolloutArgs))
    rollout = Rollout(
        max_surge=section.whole("maxSurge", 1, 0, 10_000),
        max_unavailable=section.whole("maxUnavailable", 0, 0, 10_000),
        deadline_seconds=section.whole("deadlineSeconds", 300, 5, 86_400),
    )
    if rollout.max_surge == rollout.max_unavailable == 0:
        section.problem("maxSurge", 0, "at least 1 next to maxUnavailable 0, or no pod could be exchanged")
    return rollout


def _stop(fields: Fields) -> Stop:
    section = fields.section("stop", _keys(public.StopArgs))
    delay = section.whole("delaySeconds", 5, 0, 3600)
    grace = section.whole("graceSeconds", 30, 1, 7200)
    if grace <= delay:
        section.problem("graceSeconds", grace, f"more than delaySeconds, which is {delay}")
    return Stop(delay, grace)


def _check_weights(service: Service, problems: list[str]) -> None:
    total = sum(subset.weight for subset in service.subsets)
    if total != 100:
        weights = ", ".join(f"{subset.name} {subset.weight}" for subset in service.subsets)
        problems.append(f"subsets: the weights sum to {total} ({weights}); allowed: a sum of 100")


def _check_lengths(service: Service, problems: list[str]) -> None:
    longest = max([service.versions_name, *(f"{service.name}-{s.name}" for s in service.subsets)], key=len)
    if len(longest) > LABEL_LENGTH:
        problems.append(
            f"name: {service.name!r} is not allowed; allowed: a name short enough that {longest!r} has at most "
            f"{LABEL_LENGTH} characters"
        )


def _check_grpc(service: Service, problems: list[str]) -> None:
    if service.protocol == "grpc" and service.shadows and not {"*", "POST"} & set(service.methods):
        problems.append(
            f'mirrorMatch.methods: {list(service.methods)} is not allowed; allowed: ["*"] or ["POST"] for '
            "protocol grpc, as every call is a POST and nothing would be copied. Ask for it only when the "
            "shadow may carry out what it is asked"
        )
