"""The rules: turns arguments into a checked, complete and frozen description of the service.

Pure: no resource is made here. Every default and every cross-check is in this module.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pulumi

from . import args as public
from . import syntax
from .service import COPIES, AccessLog, Gateway, Probe, Rollout, Service, Stop, Subset
from .validation import MISSING, Fields, InvalidArgsError, Problems, matches, number, shown, whole

__all__ = ["AccessLog", "Gateway", "Probe", "Rollout", "Service", "Stop", "Subset", "parse"]

PROTOCOLS = ("http", "http2", "grpc")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LEAST_PERCENT = 0.0001  # below, Istio copies nothing without a word
LABEL_LENGTH = 63

_LABEL_TEXT = "a DNS label: a-z, 0-9 and '-', at most 63"
_NAME_TEXT = f"{_LABEL_TEXT}, starting with a letter"
_HOSTS_TEXT = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
_PROVIDERS_TEXT = (
    "a list of log providers of the mesh, such as \"mirrored-service-json\": letters, digits, '-', '_', '.', "
    "at most 253"
)
_PORT_TEXT = (
    f"a whole number from 1 to 65535, and none of {', '.join(map(str, syntax.PROXY_PORTS))}, which belong to "
    "Istio's proxy"
)
_ENV_TEXT = "variables whose values are strings without NUL (put numbers in quotes)"
_QUANTITY_TEXT = 'a Kubernetes quantity as a string, such as "250m" or "128Mi"'
_RESOURCE_TEXT = 'cpu, memory, ephemeral-storage, or an extended resource such as "example.org/gpu"'


def parse(values: public.MirroredServiceArgs) -> Service:
    """Checks arguments (see `args.MirroredServiceArgs`) and fills in the defaults.

    Raises InvalidArgsError with every problem found.
    """
    problems = Problems()
    fields = Fields((), values, _keys(public.MirroredServiceArgs), problems)
    protocol = fields.choice("protocol", "http", PROTOCOLS)
    port = _port(fields, "port", 80)
    service = Service(
        name=fields.text("name", MISSING, _NAME_TEXT, syntax.SERVICE_NAME),
        namespace=fields.text("namespace", MISSING, _LABEL_TEXT, syntax.LABEL),
        create_namespace=fields.flag("createNamespace", True),
        port=port,
        protocol=protocol,
        hosts=_hosts(fields),
        gateway=_gateway(fields),
        subsets=_subsets(fields, port, protocol),
        methods=_methods(fields),
        access_log=_access_log(fields),
        settle_seconds=_number(fields, "settleSeconds", 2.0, 300),
        keep_on_destroy=fields.flag("keepOnDestroy", False),
        requests_per_second=_number(fields, "expectedRequestsPerSecond", 0.0, 1_000_000),
    )
    _check_names(service, problems)
    _check_weights(service, problems)
    _check_grpc(service, problems)
    if problems.lines:
        name = fields.values.get("name")
        raise InvalidArgsError("mirrored service" + (f" {shown(name)}" if name else ""), problems.lines)
    return service


def _keys(typed_dict: type) -> frozenset[str]:
    return frozenset(typed_dict.__annotations__)


def _number(fields: Fields, key: str, default: float, high: int) -> float:
    return fields.value(key, default, f"a number from 0 to {high}", lambda raw: number(raw, 0, high))


def _port(fields: Fields, key: str, default: int) -> int:
    def accept(raw: Any) -> int | None:
        port = whole(raw, 1, 65535)
        return None if port in syntax.PROXY_PORTS else port

    return fields.value(key, default, _PORT_TEXT, accept)


def _hosts(fields: Fields) -> tuple[str, ...]:
    hosts = fields.texts("hosts", ("*",), _HOSTS_TEXT, syntax.is_host)
    if not hosts:
        fields.refuse(("hosts",), [], _HOSTS_TEXT)
    for first, second in combinations(range(len(hosts)), 2):
        one, other = hosts[first], hosts[second]
        if syntax.host_covers(one, other) or syntax.host_covers(other, one):
            fields.refuse(
                ("hosts", second), other, f"no host that overlaps with hosts[{first}], which is {one!r}"
            )
    return hosts


def _gateway(fields: Fields) -> Gateway:
    gateway = fields.section("gateway", _keys(public.GatewayArgs))
    existing = gateway.value(
        "existing",
        None,
        '"namespace/name", both DNS labels',
        lambda raw: raw if matches(syntax.GATEWAY, raw) else None,
    )
    for key in ("selector", "port"):
        if existing and gateway.values.get(key) is not None:
            gateway.refuse((key,), gateway.values[key], "nothing next to existing, whose owner sets it")
    port = 80 if existing else _port(gateway, "port", 80)
    return Gateway(existing, {} if existing else _selector(gateway), port)


def _selector(gateway: Fields) -> dict[str, str]:
    allowed = "labels of the ingress gateway's pods"
    labels = gateway.entries("selector", allowed)
    for key, label in labels.items():
        if not (isinstance(key, str) and syntax.is_label_key(key)):
            gateway.refuse_name("selector", key, "the key of a Kubernetes label")
        elif not matches(syntax.LABEL_VALUE, label):
            gateway.refuse(("selector", key), label, "the value of a Kubernetes label, at most 63 characters")
    if labels == {} == gateway.values.get("selector"):
        # Istio would open the port on every pod of the mesh that is a gateway.
        gateway.refuse(("selector",), {}, f"{allowed}, at least one")
    return labels or {"istio": "ingressgateway"}


def _methods(fields: Fields) -> tuple[str, ...]:
    match = fields.section("mirrorMatch", _keys(public.MirrorMatchArgs))
    allowed = f'["*"], or a list of {", ".join(METHODS)}'
    methods = match.texts("methods", SAFE_METHODS, allowed, lambda method: method in (*METHODS, "*"))
    if not methods:
        match.refuse(("methods",), [], allowed)
    elif "*" in methods and set(methods) != {"*"}:
        match.refuse(("methods", methods.index("*")), "*", 'nothing next to "*", which is every method')
    return tuple(dict.fromkeys(methods))


def _access_log(fields: Fields) -> AccessLog:
    section = fields.section("accessLog", _keys(public.AccessLogArgs))
    providers = section.texts("providers", (), _PROVIDERS_TEXT, lambda name: matches(syntax.PROVIDER, name))
    if section.values.get("providers") in ([], ()):
        # Istio would take an empty list for the providers of the mesh.
        section.refuse(("providers",), [], _PROVIDERS_TEXT)
    for place, name in enumerate(providers):
        if name in providers[:place]:
            section.refuse(("providers", place), name, "each provider once")
    return AccessLog(providers)


def _subsets(fields: Fields, port: int, protocol: str) -> tuple[Subset, ...]:
    fields.value("subsets", MISSING, "at least one version, by name", lambda raw: raw)
    raw = fields.entries("subsets", "versions by name")
    if raw == fields.values.get("subsets") == {}:
        fields.refuse(("subsets",), raw, "at least one version")
    for name in raw:
        if not matches(syntax.LABEL, name):
            fields.refuse_name("subsets", name, f"{_LABEL_TEXT}, such as v1")
    return tuple(
        _subset(
            name,
            Fields(("subsets", name), raw[name], _keys(public.SubsetArgs), fields.problems),
            port,
            protocol,
        )
        for name in sorted(name for name in raw if isinstance(name, str))
    )


def _subset(name: str, fields: Fields, port: int, protocol: str) -> Subset:
    requests, limits = _resources(fields)
    subset = Subset(
        name=name,
        image=fields.value("image", MISSING, 'a container image, such as "registry.example/shop:1"', _image),
        weight=fields.whole("weight", 0, 0, 100),
        mirror_percent=fields.value(
            "mirrorPercent", 0.0, f"0, or a number from {LEAST_PERCENT} to 1000", _mirror_percent
        ),
        replicas=fields.whole("replicas", 1, 1, 10_000),
        container_port=_port(fields, "containerPort", port),
        env=_env(fields),
        requests=requests,
        limits=limits,
        command=_command(fields, "command"),
        args=_command(fields, "args"),
        probe=_probe(fields, protocol),
        rollout=_rollout(fields),
        stop=_stop(fields),
    )
    if subset.live and subset.shadow:
        fields.refuse(
            ("mirrorPercent",),
            subset.mirror_percent,
            f"0 next to weight {subset.weight}, as a version is live or a shadow, never both",
        )
    return subset


def _image(raw: Any) -> pulumi.Input[str] | None:
    is_image = isinstance(raw, pulumi.Output) or (isinstance(raw, str) and syntax.is_image(raw))
    return raw if is_image else None


def _mirror_percent(raw: Any) -> float | None:
    return number(raw, 0, 0) if raw == 0 else number(raw, LEAST_PERCENT, 1000)


def _env(fields: Fields) -> dict[str, pulumi.Input[str]]:
    env = fields.entries("env", _ENV_TEXT)
    for name, value in env.items():
        if not matches(syntax.ENV_NAME, name):
            # After "=" there may be what should have been the value.
            before = name.partition("=")[0] + "=" if isinstance(name, str) and "=" in name else name
            fields.refuse_name("env", before, "letters, digits, '_', '-' and '.', not starting with a digit")
        elif not (isinstance(value, pulumi.Output) or syntax.is_text(value)):
            fields.refuse(("env", name), value, _ENV_TEXT, secret=True)
    return env


def _command(fields: Fields, key: str) -> tuple[str, ...]:
    return fields.texts(key, (), "a list of strings without NUL", secret=True)


def _resources(fields: Fields) -> tuple[dict[str, str], dict[str, str]]:
    section = fields.section("resources", _keys(public.ResourcesArgs))
    requests, limits = _quantities(section, "requests"), _quantities(section, "limits")
    for name, request in requests.items() if section.sound else ():
        _check_limit(section, name, request, limits.get(name))
    for name, default in (("cpu", "100m"), ("memory", "128Mi")):
        # With a limit and no request, Kubernetes requests the limit; a default above it would be refused.
        if name not in requests and name not in limits:
            requests[name] = default
    return requests, limits


def _quantities(section: Fields, key: str) -> dict[str, str]:
    quantities = section.entries(key, "quantities by resource")
    for name, raw in quantities.items():
        value = syntax.quantity(raw)
        if not (isinstance(name, str) and syntax.is_resource(name)):
            section.refuse_name(key, name, _RESOURCE_TEXT)
        elif value is None:
            section.refuse((key, name), raw, _QUANTITY_TEXT)
        elif name != "cpu" and value % 1:
            section.refuse((key, name), raw, 'a whole number, such as "128Mi": "m" is a thousandth')
    return quantities


def _check_limit(section: Fields, name: str, request: str, limit: str | None) -> None:
    asked, most = syntax.quantity(request), syntax.quantity(limit)
    if syntax.is_extended_resource(name) and asked != most:
        section.refuse(("limits", name), limit, f"the same as the request, {request}: it is never shared")
    elif asked is not None and most is not None and most < asked:
        section.refuse(("limits", name), limit, f"at least the request, which is {request}")


def _probe(fields: Fields, protocol: str) -> Probe:
    probe = fields.section("probe", _keys(public.ProbeArgs))
    return Probe(
        path=probe.value(
            "path",
            "/" if protocol == "http" else None,
            'a path, such as "/healthz"',
            lambda raw: raw if matches(syntax.PROBE_PATH, raw) else None,
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
    if section.sound and rollout.max_surge == rollout.max_unavailable == 0:
        section.refuse(("maxSurge",), 0, "at least 1 next to maxUnavailable 0, or no pod could be exchanged")
    return rollout


def _stop(fields: Fields) -> Stop:
    section = fields.section("stop", _keys(public.StopArgs))
    delay = section.whole("delaySeconds", 5, 0, 3600)
    grace = section.whole("graceSeconds", 30, 1, 7200)
    if section.sound and grace <= delay:
        section.refuse(("graceSeconds",), grace, f"more than delaySeconds, which is {delay}")
    return Stop(delay, grace)


def _check_names(service: Service, problems: Problems) -> None:
    if service.create_namespace and service.namespace in syntax.PRESENT_NAMESPACES:
        problems.add(
            ("namespace",),
            f"{service.namespace!r} is not allowed; allowed: next to createNamespace true, a namespace that "
            "does not exist yet, and every cluster has this one",
        )
    if problems.below("name") or problems.below("subsets"):
        return
    longest = max([service.versions_name, *(f"{service.name}-{s.name}" for s in service.subsets)], key=len)
    if len(longest) > LABEL_LENGTH:
        problems.add(
            ("name",),
            f"{service.name!r} is not allowed; allowed: a name short enough that {longest!r} has at most "
            f"{LABEL_LENGTH} characters",
        )
    for subset in service.subsets:
        if subset.name.endswith(COPIES) or len(subset.copies_name) > LABEL_LENGTH:
            problems.add(
                ("subsets",),
                f"the name {subset.name!r} is not allowed; allowed: a name of at most "
                f"{LABEL_LENGTH - len(COPIES)} characters that does not end in {COPIES!r}, as its copies go to "
                f"{subset.copies_name!r}",
            )
    if service.name in syntax.INJECTED_CONTAINERS:
        problems.add(
            ("name",),
            f"{service.name!r} is not allowed; allowed: none of {', '.join(syntax.INJECTED_CONTAINERS)}, which "
            "are Istio's own containers in the pod",
        )


def _check_weights(service: Service, problems: Problems) -> None:
    """Checks the sum, unless a wrong weight, or a misspelt one, was reported already."""
    known = _keys(public.SubsetArgs) - {"weight"}
    wrong = [path for path in problems.paths if path[:1] in ((), ("subsets",))]
    if any(len(path) < 3 or path[2] not in known for path in wrong):
        return
    total = sum(subset.weight for subset in service.subsets)
    if total != 100:
        weights = ", ".join(f"{subset.name} {subset.weight}" for subset in service.subsets)
        problems.add(("subsets",), f"the weights sum to {total} ({weights}); allowed: a sum of 100")


def _check_grpc(service: Service, problems: Problems) -> None:
    if problems.below("protocol") or problems.below("mirrorMatch"):
        return
    if service.protocol == "grpc" and service.shadows and not {"*", "POST"} & set(service.methods):
        problems.add(
            ("mirrorMatch", "methods"),
            f'{list(service.methods)} is not allowed; allowed: ["*"] or ["POST"] for '
            "protocol grpc, as every call is a POST and nothing would be copied. Ask for it only when the "
            "shadow may carry out what it is asked",
        )
