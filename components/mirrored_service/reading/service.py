"""Reads the service as a whole, with what must be true of its parts together."""

from __future__ import annotations

from .. import args as public
from ..description.ports import Port
from ..description.service import GATEWAY_API, ISTIO_API, AccessLog, Service
from ..description.subset import COPIES, Subset
from ..rendering.entry import name as entry_name
from . import (
    answer_digests,
    copies,
    entry,
    gateway_api,
    isolation,
    mirror_headers,
    mirror_to,
    more_services,
    others,
    ports,
    routes,
    scaling,
    syntax,
    tagging,
    template,
    traffic_policy,
)
from . import subset as version
from .fields import MISSING, Fields, InvalidArgsError, Problems, fits, keys, shown

_INJECTION, _REVISION = "istio-injection", "istio.io/rev"
LABEL_LENGTH = 63

_LABEL_TEXT = "a DNS label: a-z, 0-9 and '-', at most 63"
_NAME_TEXT = f"{_LABEL_TEXT}, starting with a letter"
_DOMAIN_TEXT = 'a DNS name, such as "cluster.local"'
_PROVIDERS_TEXT = (
    "a list of log providers of the mesh, such as \"mirrored-service-json\": letters, digits, '-', '_', '.', "
    "at most 253"
)


def parse(values: public.MirroredServiceArgs) -> Service:
    """Checks arguments (see `args.MirroredServiceArgs`) and fills in the defaults.

    Raises InvalidArgsError with every problem found.
    """
    problems = Problems()
    fields = Fields((), values, keys(public.MirroredServiceArgs), problems)
    described = ports.read(fields)
    routed = [port for port in described if port.protocol]
    create_namespace = fields.flag("createNamespace", True)
    namespace_labels = _namespace_labels(fields, create_namespace)
    policy = traffic_policy.read(fields, tuple(port.number for port in routed))
    injected = create_namespace and namespace_labels.get(_INJECTION) == "enabled"
    service = Service(
        name=fields.text("name", MISSING, _NAME_TEXT, syntax.SERVICE_NAME),
        namespace=fields.text("namespace", MISSING, _LABEL_TEXT, syntax.LABEL),
        create_namespace=create_namespace,
        namespace_labels=namespace_labels,
        api=fields.choice("api", ISTIO_API, (ISTIO_API, GATEWAY_API)),
        cluster_domain=fields.text("clusterDomain", "cluster.local", _DOMAIN_TEXT, syntax.is_domain),
        ports=described,
        hosts=entry.hosts(fields),
        gateway=entry.gateway(fields),
        routes=routes.read(fields),
        labels=tagging.read_labels(fields),
        annotations=tagging.read_annotations(fields),
        subsets=_subsets(fields, described, sidecars=injected and policy.ends_at_sidecars),
        disruption_budget=scaling.disruption_budget(fields),
        traffic_policy=policy,
        more_services=more_services.read(fields, described),
        mirror_match=copies.match(fields),
        mirror_headers=mirror_headers.read(fields),
        access_log=_access_log(fields),
        answer_digests=answer_digests.read(fields),
        mirror_to=mirror_to.read(fields, routed[0].protocol if routed else "http"),
        settle_seconds=fields.number("settleSeconds", 2.0, 300),
        keep_on_destroy=fields.flag("keepOnDestroy", False),
        requests_per_second=fields.number("expectedRequestsPerSecond", 0.0, 1_000_000),
    )
    _check_names(service, problems)
    _check_weights(service, problems)
    ports.check(service, problems)
    template.check(service, problems)
    isolation.check(service, problems)
    others.check(service, problems)
    mirror_to.check(service, problems)
    routes.check(service, problems)
    gateway_api.check(service, problems)
    if problems.lines:
        name = fields.values.get("name")
        raise InvalidArgsError("mirrored service" + (f" {shown(name)}" if name else ""), problems.lines)
    return service


def _namespace_labels(fields: Fields, created: bool) -> dict[str, str]:
    """The labels of the namespace, by which istiod knows whether its pods get a sidecar."""
    found = fields.labels("namespaceLabels", "labels of the namespace")
    if found and not created:
        allowed = "nothing next to createNamespace false, as others made the namespace"
        fields.refuse(("namespaceLabels",), found, allowed)
    if _INJECTION in found and _REVISION in found:
        fields.refuse_name(
            "namespaceLabels", _REVISION, f"none next to {_INJECTION}, before which Istio passes it over"
        )
    return found if _REVISION in found else {_INJECTION: "enabled", **found}


def _access_log(fields: Fields) -> AccessLog:
    section = fields.section("accessLog", public.AccessLogArgs)
    providers = section.texts("providers", (), _PROVIDERS_TEXT, syntax.PROVIDER)
    if section.values.get("providers") in ([], ()):
        # Istio would take an empty list for the providers of the mesh.
        section.refuse(("providers",), [], _PROVIDERS_TEXT)
    for place, name in enumerate(providers):
        if name in providers[:place]:
            section.refuse(("providers", place), name, "each provider once")
    return AccessLog(providers)


def _subsets(fields: Fields, of: tuple[Port, ...], *, sidecars: bool) -> tuple[Subset, ...]:
    fields.value("subsets", MISSING, "at least one version, by name", lambda raw: raw)
    raw = fields.entries("subsets", "versions by name")
    if raw == fields.values.get("subsets") == {}:
        fields.refuse(("subsets",), raw, "at least one version")
    for name in raw:
        if not fits(syntax.LABEL, name):
            fields.refuse_name("subsets", name, f"{_LABEL_TEXT}, such as v1")
    return tuple(
        version.read(
            name,
            Fields(("subsets", name), raw[name], keys(public.SubsetArgs), fields.problems),
            of,
            sidecars=sidecars,
        )
        for name in sorted(name for name in raw if isinstance(name, str))
    )


def _check_names(service: Service, problems: Problems) -> None:
    if service.create_namespace and service.namespace in syntax.PRESENT_NAMESPACES:
        problems.add(
            ("namespace",),
            f"{service.namespace!r} is not allowed; allowed: next to createNamespace true, a namespace that "
            "does not exist yet, and every cluster has this one",
        )
    if problems.below("name") or problems.below("subsets"):
        return
    longest = max(_names(service), key=len)
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


def _names(service: Service) -> list[str]:
    """Of Services, and of what others make of objects, which Kubernetes limits."""
    found = [service.versions_name, *map(service.version_name, service.subsets)]
    if service.by_gateway_api:
        found += map(service.copies_name, service.subsets)
        # What Istio makes of a Gateway.
        if service.hosts and not service.gateway.existing:
            found.append(f"{entry_name(service)}-istio")
    return found


def _check_weights(service: Service, problems: Problems) -> None:
    """Checks the sum, unless a wrong weight, or a misspelt one, was reported already."""
    known = keys(public.SubsetArgs) - {"weight"}
    wrong = [path for path in problems.paths if path[:1] in ((), ("subsets",))]
    if any(len(path) < 3 or path[2] not in known for path in wrong):
        return
    total = sum(subset.weight for subset in service.subsets)
    if total != 100:
        weights = ", ".join(f"{subset.name} {subset.weight}" for subset in service.subsets)
        problems.add(("subsets",), f"the weights sum to {total} ({weights}); allowed: a sum of 100")
