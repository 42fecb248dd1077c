"""ports: what callers use, in Kubernetes' own words; which of them are routed, and where pods listen."""

from typing import Any

import pytest

from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import mirror_to, pods, routes
from mirrored_service.rendering import service as services
from tests.refusals import NOT, PORT, V1, problems
from tests.services import service_args

SHOP: list[dict[str, Any]] = [
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "grpc-calls", "port": 50051},
    {"name": "metrics", "port": 9090, "appProtocol": "tcp"},
]


def service(ports: Any, subsets: dict[str, Any] | None = None, **changes: Any) -> Service:
    return parse(service_args(subsets, ports=ports, **changes))


def callers(described: Service) -> Any:
    return services.callers_service(described)["spec"]["ports"]


def container_ports(described: Service, version: str = "v1") -> Any:
    subset = next(subset for subset in described.subsets if subset.name == version)
    return pods.deployment(described, subset)["spec"]["template"]["spec"]["containers"][0]["ports"]


def test_callers_have_every_port_and_so_have_the_sidecars_of_every_version_in_every_role() -> None:
    described = service(SHOP)
    http = {"name": "http", "appProtocol": "http", "port": 80, "targetPort": "app"}
    calls = {"name": "grpc-calls", "appProtocol": "grpc", "port": 50051, "targetPort": "grpc-calls"}
    metrics = {"name": "metrics", "appProtocol": "tcp", "port": 9090, "targetPort": "metrics"}
    assert callers(described) == [http, calls, metrics]
    assert services.mesh_service(described)["spec"]["ports"] == [http, calls, metrics]


def test_one_port_without_a_name_is_for_http() -> None:
    assert callers(service([{"port": 8000}])) == [
        {"name": "http", "appProtocol": "http", "port": 8000, "targetPort": "app"}
    ]
    assert service(None) == service([{"name": "http", "port": 80}])


@pytest.mark.parametrize(
    ("port", "protocol"),
    [
        ({"name": "http"}, "http"),
        ({"name": "http-web"}, "http"),
        ({"name": "http2"}, "http2"),
        ({"name": "grpc-web-shop"}, "grpc"),
        ({"name": "tcp", "appProtocol": "http"}, "http"),
        ({"name": "web", "appProtocol": "kubernetes.io/h2c"}, "http2"),
        ({"name": "web", "appProtocol": "kubernetes.io/ws"}, "http"),
        ({"name": "https"}, None),
        ({"name": "http", "appProtocol": "tcp"}, None),
        ({"name": "dns", "protocol": "UDP"}, None),
    ],
)
def test_what_a_port_is_for_is_told_by_its_app_protocol_or_else_by_its_name(
    port: dict[str, Any], protocol: str | None
) -> None:
    described = service([{**port, "port": 81}, {"name": "http-first", "port": 80, "targetPort": 8000}])
    assert described.ports[0].protocol == protocol
    assert [each.name for each in described.routed] == ([port["name"]] if protocol else []) + ["http-first"]


def test_udp_leads_to_the_live_version_and_the_mesh_is_told_nothing_of_it() -> None:
    described = service([*SHOP, {"name": "dns", "port": 53, "protocol": "UDP"}])
    assert callers(described)[3] == {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": "dns"}
    assert services.mesh_service(described)["spec"]["ports"] == callers(described)[:3]
    assert container_ports(described)[3] == {"name": "dns", "containerPort": 53, "protocol": "UDP"}


def test_pods_of_each_version_may_listen_elsewhere() -> None:
    v2 = {"image": "shop:2", "containerPort": 81, "containerPorts": {"metrics": 9100}}
    described = service(SHOP, {"v1": V1, "v2": v2})
    assert container_ports(described) == [
        {"name": "app", "containerPort": 8080},
        {"name": "grpc-calls", "containerPort": 50051},
        {"name": "metrics", "containerPort": 9090},
    ]
    assert container_ports(described, "v2") == [
        {"name": "app", "containerPort": 81},
        {"name": "grpc-calls", "containerPort": 50051},
        {"name": "metrics", "containerPort": 9100},
    ]


def test_pods_that_others_run_are_found_by_number() -> None:
    v1 = {"podLabels": {"app": "nginx", "version": "1"}, "weight": 100, "containerPorts": {"metrics": 9100}}
    described = service(SHOP, {"v1": v1})
    assert [port["targetPort"] for port in callers(described)] == [8080, 50051, 9100]


def probe(ports: Any) -> Any:
    described = service(ports)
    pod = pods.deployment(described, described.main)["spec"]["template"]["spec"]
    return pod["containers"][0]["readinessProbe"]


def test_the_probe_asks_the_first_port_as_that_speaks() -> None:
    assert probe(SHOP)["httpGet"] == {"path": "/", "port": "app"}
    assert probe(SHOP[::-1])["tcpSocket"] == {"port": "app"}


def test_another_environment_gets_copies_of_the_first_routed_port_in_its_protocol() -> None:
    to = {"host": "a.example", "port": 8080, "percent": 5}
    described = service(SHOP[:0:-1], mirrorMatch={"grpcCalls": True}, mirrorTo=to)
    (entry, _) = mirror_to.objects(described)
    assert entry["spec"]["ports"] == [
        {"number": 50051, "name": "grpc", "protocol": "GRPC", "targetPort": 8080}
    ]


def http(ports: Any) -> Any:
    return service(ports).subsets[1].mirror_limits.http2


def test_copies_of_http_1_become_http_2_only_where_there_is_a_port_for_http() -> None:
    assert http(SHOP) is True
    assert http([{"name": "http2", "port": 80}]) is None


def mesh(ports: Any, **changes: Any) -> list[tuple[Any, int, list[str]]]:
    """The routes for callers inside the mesh: matches, the port that is asked, and who gets copies."""
    found = routes.mesh_virtual_service(service(ports, **changes))["spec"]["http"]
    return [
        (
            route.get("match"),
            *{place["destination"]["port"]["number"] for place in route["route"]},
            [mirror["destination"].get("subset", "elsewhere") for mirror in route.get("mirrors", [])],
        )
        for route in found
    ]


def test_each_routed_port_has_routes_of_its_own_and_calls_are_copied_only_when_asked_for() -> None:
    reads = [{"method": {"exact": method}, "port": 80} for method in ("GET", "HEAD", "OPTIONS")]
    assert mesh(SHOP) == [
        (reads, 80, ["v2-copies"]),
        ([{"port": 80}], 80, []),
        ([{"port": 50051}], 50051, []),
    ]
    assert mesh(SHOP, mirrorMatch={"grpcCalls": True}) == [
        (reads, 80, ["v2-copies"]),
        ([{"port": 80}], 80, []),
        ([{"port": 50051}], 50051, ["v2-copies"]),
    ]


def test_paths_and_headers_tell_calls_apart_as_other_requests() -> None:
    match = {"grpcCalls": True, "paths": ["/shop.Cart/*"], "headers": {"x-debug": "1"}}
    both = {"uri": {"prefix": "/shop.Cart/"}, "headers": {"x-debug": {"exact": "1"}}, "port": 50051}
    found = mesh(SHOP, mirrorMatch=match)
    assert found[2:] == [([both], 50051, ["v2-copies"]), ([{"port": 50051}], 50051, [])]


def test_one_routed_port_takes_requests_for_any_number_as_other_names_may_have_another() -> None:
    assert [match for match, *_ in mesh([SHOP[0], SHOP[2]], mirrorMatch={"methods": ["*"]})] == [None]


def test_copies_to_another_environment_are_of_the_first_routed_port() -> None:
    to = {"host": "a.example", "port": 8080, "percent": 5}
    assert mesh(SHOP, mirrorMatch={"methods": ["*"]}, mirrorTo=to) == [
        ([{"port": 80}], 80, ["v2-copies", "elsewhere"]),
        ([{"port": 50051}], 50051, ["v2-copies"]),
    ]


@pytest.mark.parametrize("ports", [SHOP, SHOP[::-1]])
def test_requests_from_outside_are_for_the_first_routed_port_whatever_the_gateway_listens_on(
    ports: Any,
) -> None:
    first = next(port["port"] for port in ports if port["name"] != "metrics")
    made = routes.ingress_virtual_service(service(ports))["spec"]["http"]
    asked = {place["destination"]["port"]["number"] for route in made for place in route["route"]}
    assert asked == {first}
    assert not [match for route in made for match in route.get("match", []) if "port" in match]


WEB = {"name": "http", "port": 80}
LIST = "a list of Kubernetes' ServicePorts, at least one, such as {name: http, port: 80}"
KNOWN = (
    "http, http2, grpc, grpc-web, kubernetes.io/h2c, kubernetes.io/ws (routed and copied), or tcp, tls, https, "
    "mongo, mysql, redis, kubernetes.io/wss (to the live version)"
)
REFUSED: list[tuple[str, Any, str]] = [
    ("no list", 80, f"ports: 80 {NOT} {LIST}"),
    ("an empty list", [], f"ports: an empty list {NOT} {LIST}"),
    ("a number in it", [80], f"ports[0]: a number {NOT} a mapping"),
    ("a misspelt field", [{"prot": 80, "port": 80}], "ports[0].prot: unknown, did you mean port?"),
    ("a port without a number", [{"name": "http"}], "ports[0].port: missing"),
    ("a number as text", [{"port": "80"}], f"ports[0].port: a string {NOT} a whole number"),
    ("port 0", [{"port": 0}], f"ports[0].port: 0 {NOT} {PORT}"),
    ("a port above 65535", [{"port": 65536}], f"ports[0].port: 65536 {NOT} {PORT}"),
    ("a port of the sidecar", [{"port": 15021}], f"ports[0].port: 15021 {NOT} {PORT}"),
    (
        "a pods' port of the sidecar",
        [{**WEB, "targetPort": 15021}],
        f"ports[0].targetPort: 15021 {NOT} {PORT}",
    ),
    ("a pods' port by name", [{**WEB, "targetPort": "web"}], f"ports[0].targetPort: 'web' {NOT} {PORT}"),
    (
        "a port of nodes",
        [{**WEB, "nodePort": 30000}],
        f"ports[0].nodePort: 30000 {NOT} none, as the callers' Service opens no ports of nodes; see moreServices",
    ),
    (
        "SCTP",
        [WEB, {"name": "a", "port": 1, "protocol": "SCTP"}],
        f"ports[1].protocol: 'SCTP' {NOT} TCP or UDP",
    ),
    (
        "a name that does not tell",
        [{"name": "web", "port": 80}],
        f"ports[0].appProtocol: missing, as the name 'web' does not tell; allowed: {KNOWN}",
    ),
    (
        "a protocol that Istio does not know, and would guess",
        [{"name": "web", "port": 80, "appProtocol": "ftp"}],
        f"ports[0].appProtocol: 'ftp' {NOT} {KNOWN}",
    ),
    (
        "nothing that is routed",
        [{"name": "tcp", "port": 80}],
        "ports: none is routed; allowed: at least one with http, http2 or grpc, or there is nothing to copy",
    ),
    ("a name twice", [WEB, {**WEB, "port": 81}], f"ports[1].name: 'http' {NOT} each name once"),
    (
        "a port twice",
        [WEB, {"name": "http-a", "port": 80, "targetPort": 81}],
        f"ports[1].port: 80 {NOT} each port once",
    ),
    (
        "two ports, one without a name",
        [WEB, {"port": 81}],
        f"ports[1].name: null {NOT} for all but the first a name of at most 15 characters, as the pods' port is "
        "called so: a-z, 0-9 and '-'",
    ),
    (
        "a name too long for a pods' port",
        [WEB, {"name": "http-of-the-shop", "port": 81}],
        "ports[1].name: 'http-of-the-shop' is not allowed; allowed: for all but the first",
    ),
    (
        "the name of the pods' first port",
        [WEB, {"name": "app", "port": 81, "appProtocol": "tcp"}],
        f"ports[1].name: 'app' {NOT} none of app, http-envoy-prom, as other ports of the pods are called",
    ),
]


@pytest.mark.parametrize(("ports", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_ports_that_cannot_be_are_refused(ports: Any, line: str) -> None:
    found = problems(service_args(ports=ports))
    assert [text for text in found if text.startswith(line)], found


def test_ports_on_one_port_of_the_container_are_refused() -> None:
    (line,) = problems(service_args({"v1": {**V1, "containerPorts": {"metrics": 8080}}}, ports=SHOP))
    assert line == (
        "subsets.v1.containerPorts: http and metrics are both 8080; allowed: each port of the container once"
    )


def test_container_ports_are_for_ports_that_are_there() -> None:
    wrong = {"http": 8080, "metrcs": 1, "metrics": 15021}
    assert problems(service_args({"v1": {**V1, "containerPorts": wrong}}, ports=SHOP)) == (
        f"subsets.v1.containerPorts: the name 'http' {NOT} of the ports grpc-calls, metrics only; containerPort "
        "is for http",
        f"subsets.v1.containerPorts: the name 'metrcs' {NOT} of the ports grpc-calls, metrics only; "
        "containerPort is for http",
        f"subsets.v1.containerPorts.metrics: 15021 {NOT} {PORT}",
    )
    (line,) = problems(service_args({"v1": {**V1, "containerPorts": {"http": 8080}}}))
    assert line.endswith("nothing, as there is one port; containerPort is for http")


GRPC = [{"name": "grpc", "port": 80}]
NOTHING = (
    "mirrorMatch.grpcCalls: not true; allowed: true for a service of gRPC ports alone, as every call is a POST "
    "and nothing would be copied. Say it only when the shadow may carry out what it is asked",
)


@pytest.mark.parametrize("match", [{}, {"paths": ["/shop.Cart/*"]}, {"methods": ["*"], "grpcCalls": False}])
def test_a_grpc_shadow_that_would_get_nothing_is_refused(match: Any) -> None:
    assert problems(service_args(ports=GRPC, mirrorMatch=match)) == NOTHING


@pytest.mark.parametrize("match", [{"methods": ["*"]}, {"methods": ["GET", "POST"]}, {"grpcCalls": True}])
def test_grpc_calls_are_copied_when_asked_for(match: Any) -> None:
    found = service(GRPC, mirrorMatch=match).mirror_match.of("grpc")
    assert found is not None
    assert found.everything


def test_next_to_http_the_default_copies_no_call() -> None:
    described = service(SHOP)
    assert described.mirror_match.of("grpc") is None
    assert described.mirror_match.of("http") is described.mirror_match


def test_the_size_of_calls_is_not_asked_for_as_they_do_not_say_it() -> None:
    calls = service(SHOP, mirrorMatch={"methods": ["POST"], "maxBodyBytes": 5}).mirror_match.of("grpc")
    assert calls is not None
    assert calls.max_body_bytes is None
    (line,) = problems(service_args(ports=GRPC, mirrorMatch={"grpcCalls": True, "maxBodyBytes": 5}))
    assert line.startswith(f"mirrorMatch.maxBodyBytes: 5 {NOT} nothing for a service of gRPC ports alone")


def test_calls_without_a_grpc_port_are_refused() -> None:
    (line,) = problems(service_args(mirrorMatch={"grpcCalls": True}))
    assert line == (f"mirrorMatch.grpcCalls: True {NOT} nothing without a port whose appProtocol is grpc")


def test_http_1_for_copies_without_a_port_for_http_is_refused() -> None:
    v1 = {"image": "a", "weight": 100, "mirrorLimits": {"http2": False}}
    (line,) = problems(service_args({"v1": v1}, ports=[{"name": "http2", "port": 80}]))
    assert line == (
        f"subsets.v1.mirrorLimits.http2: False {NOT} true, or nothing, without a port for http: http2 and grpc "
        "are HTTP/2"
    )


def with_template(*containers: dict[str, Any]) -> tuple[str, ...]:
    template = {"spec": {"containers": list(containers)}}
    return problems(service_args({"v1": {**V1, "podTemplate": template}}, ports=SHOP))


def test_a_pod_template_leaves_the_names_by_which_services_find_ports_where_they_are() -> None:
    renamed = {"name": "nginx", "ports": [{"containerPort": 9090, "name": "scrape"}]}
    elsewhere = {
        "name": "exporter",
        "image": "exporter:1",
        "ports": [{"containerPort": 1, "name": "metrics"}],
    }
    why = "as Services find the port of the version's containerPorts by"
    path = "subsets.v1.podTemplate.spec.containers"
    assert with_template(renamed) == (
        f"{path}[0].ports[0].name: a string {NOT} 'metrics' or nothing, {why} it",
    )
    assert with_template(elsewhere) == (
        f"{path}[0].ports[0].name: a string {NOT} another name, {why} this one",
    )
