"""Copies to a service of another environment: how proxies reach it, what the routes say, what is refused."""

from typing import Any

import pulumi
import pytest

from mirrored_service import MirroredService, warnings
from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import known_routes, mirror_to, routes
from tests.recorder import record, run
from tests.refusals import NOT, V1, problems
from tests.services import service_args

STAGING = "shop.staging.svc.cluster.local"
TO: dict[str, Any] = {"host": STAGING, "port": 8080, "percent": 100}
ALIAS = "mirror-to.nginx.istio-project.internal"
HOST = 'a host name with a dot or an IPv4 address, such as "shop.staging.svc.cluster.local"'
LIMITS = {
    "connectionPool": {
        "tcp": {"maxConnections": 128},
        "http": {"http1MaxPendingRequests": 64, "http2MaxRequests": 64},
    }
}


def args(**changes: Any) -> Any:
    return service_args({"v1": V1}, mirrorTo={**TO, **changes})


def service(**changes: Any) -> Service:
    return parse(args(**changes))


def http(described: Service) -> Any:
    return routes.mesh_virtual_service(described)["spec"]["http"]


def spec(described: Service, kind: str) -> Any:
    (found,) = [thing["spec"] for thing in mirror_to.objects(described) if thing["kind"] == kind]
    return found


def test_the_target_is_a_host_of_its_own_in_the_mesh() -> None:
    assert spec(service(), "ServiceEntry") == {
        "hosts": [ALIAS],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 8080}],
        "endpoints": [{"address": STAGING}],
    }


def test_its_copies_are_limited_and_nobody_elses_requests_to_it() -> None:
    assert spec(service(), "DestinationRule") == {"host": ALIAS, "trafficPolicy": LIMITS}


def test_limits_can_be_set() -> None:
    limited = spec(service(mirrorLimits={"requests": 5, "http2": True}), "DestinationRule")["trafficPolicy"]
    assert limited["connectionPool"]["http"]["http2MaxRequests"] == 5
    assert limited["connectionPool"]["http"]["h2UpgradePolicy"] == "UPGRADE"


@pytest.mark.parametrize(
    ("tls", "made"),
    [
        ({}, {"mode": "SIMPLE", "sni": STAGING, "subjectAltNames": [STAGING]}),
        (
            {"caCertificates": "/etc/ca.pem"},
            {
                "mode": "SIMPLE",
                "sni": STAGING,
                "subjectAltNames": [STAGING],
                "caCertificates": "/etc/ca.pem",
            },
        ),
        ({"mode": "mesh"}, {"mode": "ISTIO_MUTUAL"}),
    ],
)
def test_tls_begins_at_the_proxies_when_asked_for(tls: Any, made: Any) -> None:
    assert spec(service(tls=tls), "DestinationRule")["trafficPolicy"] == {**LIMITS, "tls": made}


@pytest.mark.parametrize(("host", "asked"), [("10.0.0.7", None), ("shop.far.example", "shop.far.example")])
@pytest.mark.parametrize("output", [False, True])
def test_proxies_ask_for_a_name_and_never_for_an_address(host: str, asked: str | None, output: bool) -> None:
    given = pulumi.Output.from_input(host) if output else host
    recording = run(lambda: MirroredService("nginx", args(host=given, tls={})))
    tls = recording.found("DestinationRule", "nginx-mirror-to").inputs["spec"]["trafficPolicy"]["tls"]
    assert tls.get("sni") == asked
    assert tls["subjectAltNames"] == [host]


def test_live_requests_go_where_they_went_and_copies_to_the_target_too() -> None:
    copied, rest = http(service())
    assert copied["mirrors"] == [{"destination": {"host": ALIAS}, "percentage": {"value": 100}}]
    assert copied["route"] == rest["route"] == http(parse(service_args({"v1": V1})))[0]["route"]
    assert "mirrors" not in rest


def test_shadows_of_its_own_are_mirrored_to_as_well() -> None:
    subsets = {"v1": V1, "v2": {"image": "shop:2", "mirrorPercent": 50}}
    described = parse(service_args(subsets, mirrorTo={**TO, "percent": 250}))
    hosts = [mirror["destination"]["host"] for mirror in http(described)[0]["mirrors"]]
    assert hosts == [described.versions_host, *[ALIAS] * 3]
    assert [mirror["percentage"]["value"] for mirror in http(described)[0]["mirrors"]] == [50, 100, 100, 50]


def test_at_zero_percent_nothing_is_copied_and_the_target_stays_known() -> None:
    described = service(percent=0)
    assert "mirrors" not in str(http(described))
    assert len(mirror_to.objects(described)) == 2


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
def test_the_target_is_spoken_to_in_the_services_protocol(protocol: str) -> None:
    described = parse(
        service_args(
            {"v1": V1}, ports=[{"name": protocol, "port": 80}], mirrorMatch={"methods": ["*"]}, mirrorTo=TO
        )
    )
    assert spec(described, "ServiceEntry")["ports"][0]["protocol"] == protocol.upper()


def test_routes_wait_for_what_makes_the_target_known() -> None:
    _, registered = record(lambda: MirroredService("nginx", args()))
    kinds = [found.type.rsplit(":", 1)[-1] for found in registered if found.name == "nginx-mirror-to"]
    assert sorted(kinds) == ["DestinationRule", "ServiceEntry"]
    for route in ("nginx-ingress", "nginx-mesh"):
        assert "nginx-mirror-to" in next(found for found in registered if found.name == route).needs


@pytest.mark.parametrize("preview", [True, False])
def test_host_and_port_may_be_outputs_that_a_preview_does_not_know(preview: bool) -> None:
    unknown: Any = pulumi.Output.from_input(pulumi.runtime.rpc.UNKNOWN) if preview else None
    host, port = (unknown, unknown) if preview else map(pulumi.Output.from_input, ("a.example", 443))
    _, registered = record(lambda: MirroredService("nginx", args(host=host, port=port)), preview=preview)
    entry = next(found for found in registered if found.type.endswith(":ServiceEntry")).inputs["spec"]
    if not preview:
        assert entry["endpoints"] == [{"address": "a.example"}]
        assert entry["ports"][0]["targetPort"] == 443
    assert entry["hosts"] == [ALIAS]


def test_a_target_that_comes_or_goes_is_not_waited_for() -> None:
    assert known_routes.used(routes.mesh_virtual_service(service())) == {"v1"}


def test_a_version_that_waits_is_no_reason_to_say_that_nothing_is_copied() -> None:
    waits = {"v1": V1, "v2": {"image": "shop:2"}}

    def told(**target: Any) -> list[str]:
        found = parse(service_args(waits, mirrorTo={**TO, **target}))
        return [line for line in warnings.of(found) if "nothing is copied" in line]

    assert not told()
    assert told(percent=0)


def test_a_percentage_that_copies_next_to_nothing_is_warned_of() -> None:
    rare = parse(service_args({"v1": V1}, mirrorTo={**TO, "percent": 0.001}, expectedRequestsPerSecond=1))
    assert (
        "mirrorTo.percent: 0.001 % of 1 requests/s copies less than one request an hour; 0.028 or more"
        in warnings.of(rare)
    )


REFUSED: list[tuple[str, Any, str]] = [
    (
        "no percentage",
        service_args({"v1": V1}, mirrorTo={"host": STAGING, "port": 80}),
        "mirrorTo.percent: missing; allowed: 0, or a number from 0.0001 to 1000",
    ),
    (
        "no host",
        service_args({"v1": V1}, mirrorTo={"port": 80, "percent": 1}),
        f"mirrorTo.host: missing; allowed: {HOST}",
    ),
    ("a host without a dot", args(host="shop"), f"mirrorTo.host: 'shop' {NOT} {HOST}"),
    ("any host", args(host="*.example.org"), f"mirrorTo.host: '*.example.org' {NOT} {HOST}"),
    ("a URL as host", args(host="http://a.b/"), f"mirrorTo.host: 'http://a.b/' {NOT} {HOST}"),
    ("no port at all", args(port=0), f"mirrorTo.port: 0 {NOT} a whole number from 1 to 65535"),
    ("a misspelt percentage", args(percnt=1), "mirrorTo.percnt: unknown, did you mean percent?"),
    (
        "a percentage too small to copy anything",
        args(percent=0.00001),
        f"mirrorTo.percent: 1e-05 {NOT} 0, or a number from 0.0001 to 1000",
    ),
    (
        "an unknown kind of TLS",
        args(tls={"mode": "MUTUAL"}),
        f"mirrorTo.tls.mode: 'MUTUAL' {NOT} simple or mesh",
    ),
    (
        "authorities that are no file",
        args(tls={"caCertificates": "ca.pem"}),
        f"mirrorTo.tls.caCertificates: 'ca.pem' {NOT} the absolute path of a file in the proxies, such as "
        '"/etc/ssl/certs/ca-certificates.crt"',
    ),
    (
        "authorities next to the mesh's own",
        args(tls={"mode": "mesh", "caCertificates": "/ca.pem"}),
        f"mirrorTo.tls.caCertificates: '/ca.pem' {NOT} nothing next to mode mesh, which has its own",
    ),
    (
        "the service itself",
        args(host="nginx.istio-project.svc.cluster.local"),
        f"mirrorTo.host: 'nginx.istio-project.svc.cluster.local' {NOT} another service than this one; give a "
        "version of this one a mirrorPercent",
    ),
    (
        "a version of the target's name",
        service_args({"v1": V1, "mirror-to": {"image": "shop:2"}}, mirrorTo=TO),
        f"subsets: the name 'mirror-to' {NOT} next to mirrorTo, another one, as its objects are called so",
    ),
    (
        "copies over HTTP/1.1 of a service that is HTTP/2",
        service_args(
            {"v1": V1},
            ports=[{"name": "http2", "port": 80}],
            mirrorTo={**TO, "mirrorLimits": {"http2": False}},
        ),
        f"mirrorTo.mirrorLimits.http2: False {NOT} true, or nothing, without a port for http: http2 and grpc "
        "are HTTP/2",
    ),
    (
        "a stack, outside of stack config",
        args(stack="a/b/c"),
        "mirrorTo.stack: unknown, allowed: host, mirrorLimits, percent, port, tls",
    ),
]


@pytest.mark.parametrize(("wrong", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(wrong: Any, message: str) -> None:
    assert problems(wrong) == (message,)
