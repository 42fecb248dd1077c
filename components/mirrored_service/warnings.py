"""What is legal but odd: one line each, with what to do. Pure; the component shows the lines as warnings."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from .description.copies import UPLOADING_METHODS
from .description.service import Service
from .description.subset import Subset
from .rendering import pods


def of(service: Service) -> list[str]:
    """The lines for this service, each starting with the property to change."""
    ours = [subset for subset in service.subsets if not subset.run_by_others]
    lines = [_alone(subset) for subset in ours if subset.live and subset.least_pods == 1]
    lines.extend(fewer_pods(service, {subset.name: subset.least_pods for subset in ours}))
    for subset in ours:
        if subset.pod_template:
            lines.extend(_of_template(service, subset))
    if not service.copies and len(service.live) < len(service.subsets):
        lines.append(
            "subsets: none has a mirrorPercent, so nothing is copied; give one to the version to try out"
        )
    if _may_wait_for_a_shadow(service):
        lines.append(
            "mirrorMatch: a large upload waits, the live request included, for a shadow that does not read it; "
            "maxBodyBytes, such as 1000000"
        )
    if "*" in service.hosts:
        lines.append(
            'hosts: "*" takes whatever enters the gateway and no other service claims, while callers in the mesh '
            f"are routed under {service.host} only; list the host names of this service"
        )
    if _may_take_from_others(service):
        lines.append(
            "mirrorMatch: while some requests of every path are copied, Istio puts their route before routes of "
            "VirtualServices for the same hosts that are younger than this one's, and this service answers what "
            "was theirs; routes with paths, or gateway.delegate, or gateway.ownsHosts true if there are no "
            'others, or mirrorMatch of every request (methods ["*"] alone)'
        )
    if _is_more_specific(service):
        lines.append(
            "mirrorMatch: while some requests are copied, the rule for them is more specific than their route, "
            "and this service answers what was theirs where other teams have routes for the same hosts that tell "
            "the same path apart by headers alone, or for a path that mirrorMatch names; gateway.ownsHosts true "
            'if there are none, or mirrorMatch of every request (methods ["*"] alone)'
        )
    if service.mirror_headers and service.mirror_to and service.mirror_to.percent:
        lines.append(
            "mirrorHeaders: copies to mirrorTo keep all headers, as only sidecars of this service's shadows "
            "change them; what they must not have, the service there has to take off"
        )
    if not any(route.catches_all for route in service.routes):
        lines.append(
            "routes: none is for every path, so callers inside the mesh get 404 for all others; a last one "
            'without match, or with match [{gateways: ["mesh"]}] for those callers only'
        )
    lines.extend(_spoken_to(service))
    lines.extend(
        f"moreServices.{more.name}.ports: callers inside the mesh that use this name are not copied, as its "
        "ports for HTTP are not those of the service, by target and, with several, by number"
        for more in service.more_services
        if not more.is_routed_like(service.routed) and any(entry.may_be_http for entry in more.ports)
    )
    lines.extend(
        _rarely_copied(service, name, percent)
        for name, percent in _copied(service).items()
        if _is_rare(service, percent)
    )
    return lines


def fewer_pods(service: Service, pods: Mapping[str, int | None]) -> list[str]:
    """Live versions that have fewer pods than another one would have for the same share of the live requests: as
    after a promotion. `pods`: how many each version has at least; None: who knows."""
    lines = []
    for subset in service.live:
        others = {other.name: _for_all_requests(other, pods.get(other.name)) for other in service.subsets}
        name, most = max(
            ((n, c) for n, c in others.items() if n != subset.name), key=_second, default=("", 0)
        )
        needed, there = ceil(most * subset.weight / 100), pods.get(subset.name)
        if there is not None and there < needed:
            lines.append(
                f"{_count(subset)}: {_pods(there)} for {subset.weight} % of the live requests, and {name} has "
                f"{_pods(pods[name])}; {needed} or more"
            )
    return lines


def _for_all_requests(subset: Subset, pods: int | None) -> float:
    """How many pods it would have for 100 % of the live requests: a shadow may get more copies than that."""
    return (pods or 0) * 100 / max(100, subset.mirror_percent)


def _second(entry: tuple[str, float]) -> float:
    return entry[1]


def _pods(count: int | None) -> str:
    return "1 pod" if count == 1 else f"{count} pods"


def _count(subset: Subset) -> str:
    """The property that says how many pods there are, or who counts them."""
    counted = "replicas" if subset.counted_here else "scaledByOthers"
    return f"subsets.{subset.name}.{'autoscaling.minReplicas' if subset.autoscaling else counted}"


def _alone(subset: Subset) -> str:
    return (
        f"{_count(subset)}: one pod answers all of its live requests, and they fail when its node "
        "does; 2 or more"
    )


def _of_template(service: Service, subset: Subset) -> list[str]:
    """What the template took away of how pods start and end without losing a request."""
    container = pods.container(service, pods.template(service, subset))
    path = f"subsets.{subset.name}.podTemplate: container {service.name}:"
    lines = []
    if "readinessProbe" not in container:
        lines.append(f"{path} without a readinessProbe it gets requests before it can answer; give it one")
    before_stop = (container.get("lifecycle") or {}).get("preStop", {})
    if (before_stop.get("sleep") or {}).get("seconds", 0) < subset.stop.delay_seconds:
        lines.append(
            f"{path} its preStop is not the sleep of {subset.stop.delay_seconds} s in which proxies learn that "
            "the pod ends; let it go on serving for that long, or requests are lost when pods are exchanged"
        )
    return lines


def _may_take_from_others(service: Service) -> bool:
    """Istio leaves a route that is for everything until after those of all other VirtualServices of the host. One
    that is for part of the requests, whatever their path, is not that any more."""
    if (
        not (service.copies and service.hosts)
        or service.by_gateway_api  # there the longest path wins, whoever came first
        or service.gateway.owns_hosts
        or service.mirror_match.everything
    ):
        return False
    return any(
        route.copied and not route.answers_itself and route.catches_all for route in service.gateway_routes
    )


def _is_more_specific(service: Service) -> bool:
    """Gateway API chooses among the routes of all teams by how specific they are."""
    shared = service.by_gateway_api and bool(service.hosts) and not service.gateway.owns_hosts
    return shared and service.copies and not service.mirror_match.everything


def _spoken_to(service: Service) -> list[str]:
    """What a TLS mode other than the mesh's own choice asks of every pod; without it, every live request
    fails."""
    needed = {
        "DISABLE": "live requests and copies go in plain text, and pods whose mesh demands mutual TLS "
        "(PeerAuthentication STRICT) refuse them all",
        "SIMPLE": "the app in the pods must answer TLS itself, or every live request fails",
        "MUTUAL": "the app in the pods must answer TLS itself, and take the certificate, or every live "
        "request fails",
    }
    if service.run_by_others or not service.create_namespace:
        needed["ISTIO_MUTUAL"] = "every pod needs a sidecar, or every live request to it fails"
    return [
        f"{name}: with {mode} {needed[mode]}; without tls proxies speak to each pod as it understands"
        for name, mode in service.traffic_policy.tls_modes.items()
        if mode in needed
    ]


def _may_wait_for_a_shadow(service: Service) -> bool:
    """For gRPC there is nothing to do about it."""
    match = service.mirror_match
    uploads = bool(set(match.methods) & set(UPLOADING_METHODS)) and match.max_body_bytes is None
    return uploads and service.copies and any(port.protocol != "grpc" for port in service.routed)


def _copied(service: Service) -> dict[str, float]:
    """The percentages of everything that gets copies, by the property that says so."""
    found = {f"subsets.{subset.name}.mirrorPercent": subset.mirror_percent for subset in service.shadows}
    if service.mirror_to and service.mirror_to.percent:
        found["mirrorTo.percent"] = service.mirror_to.percent
    return found


def _is_rare(service: Service, percent: float) -> bool:
    return 0 < service.requests_per_second * 3600 * percent / 100 < 1


def _rarely_copied(service: Service, name: str, percent: float) -> str:
    least = 100 / (service.requests_per_second * 3600)
    return (
        f"{name}: {percent:g} % of {service.requests_per_second:g} requests/s copies less than one request an "
        f"hour; {least:.2g} or more"
    )
