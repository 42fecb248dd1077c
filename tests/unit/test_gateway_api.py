"""The routes in Gateway API's words: who answers, who gets copies and what holds is what Istio's words say, or it
is refused with the reason."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import mirrored_service
from mirrored_service import InvalidArgsError
from mirrored_service.plan import plan
from mirrored_service.reading.service import parse
from tests import gateway_routing
from tests.refusals import problems
from tests.services import service_args

METHODS = ("GET", "POST", "DELETE")
V1: dict[str, Any] = {"image": "shop:1", "weight": 100}


def rendered(**settings: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = mirrored_service.render(service_args(**{"api": "gateway", **settings}))
    return {(made["kind"], made["metadata"]["name"]): made for made in found}


def rules(name: str = "nginx-ingress", **settings: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rendered(**settings)["HTTPRoute", name]["spec"]["rules"]
    return found


def refusals(**settings: Any) -> tuple[str, ...]:
    return problems(service_args(**{"api": "gateway", **settings}))


# The same as Istio's words say

PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/b/x")
URIS = st.sampled_from(
    [
        {"prefix": "/"},
        {"prefix": "/a/"},
        {"prefix": "/a/b/"},
        {"exact": "/a"},
        {"exact": "/a/b"},
        {"exact": "/b/x"},
    ]
)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "uri": URIS,
        "method": st.sampled_from([{"exact": method} for method in METHODS]),
        "headers": st.sampled_from([{"x-a": {"exact": "1"}}, {"x-a": {"exact": "2"}}, {"x-b": {}}]),
    },
).filter(bool)
HEADERS: tuple[dict[str, str], ...] = ({}, {"x-a": "1"}, {"x-b": "0"}, {"x-a": "2", "x-b": "0"})


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    own = draw(st.lists(st.lists(OWN, min_size=1, max_size=3), max_size=3))
    routes: list[dict[str, Any]] = [{"match": match} for match in own]
    if draw(st.integers(0, 3)):
        routes.append({})
    for place, route in enumerate(routes):
        route["timeout"] = f"{place + 1}s"
        if draw(st.integers(0, 3)) == 0:
            route["mirror"] = False
    copied = st.fixed_dictionaries(
        {"methods": st.sampled_from([["GET"], ["*"], ["GET", "POST"]])},
        optional={
            "paths": st.lists(st.sampled_from(["/a", "/a/*", "/a/b/*", "/b/x"]), min_size=1, unique=True),
            "headers": st.sampled_from([{"x-a": "1"}, {"x-b": "*"}]),
        },
    )
    return {"routes": routes or [{"timeout": "1s"}], "mirrorMatch": draw(copied)}


def by_istio(found: list[dict[str, Any]], method: str, path: str, headers: dict[str, str]) -> Any:
    """The timeout of the first route that takes the request, and whether it is copied."""
    for route in found:
        for match in route.get("match") or [{}]:
            ((kind, value),) = match.get("uri", {"prefix": "/"}).items()
            wanted = match.get("headers", {})
            if (
                (path == value if kind == "exact" else path.startswith(value))
                and match.get("method", {"exact": method}) == {"exact": method}
                and all(
                    headers.get(name, "-") == each.get("exact", headers.get(name))
                    for name, each in wanted.items()
                )
                and all(name in headers for name in wanted)
            ):
                return route["timeout"], bool(route.get("mirrors"))
    return None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(services())
def test_every_request_is_answered_and_copied_as_by_istios_routes(described: dict[str, Any]) -> None:
    try:
        found = rendered(**described)
    except InvalidArgsError:
        reject()
    istio = {
        made["metadata"]["name"]: made["spec"]["http"]
        for made in mirrored_service.render(service_args(**described))
        if made["kind"] == "VirtualService"
    }
    for ours, theirs in (("nginx-ingress", "nginx-vs"), ("nginx-mesh", "nginx-mesh")):
        for method in METHODS:
            for path in PATHS:
                for headers in HEADERS:
                    chosen = gateway_routing.rule([found["HTTPRoute", ours]], method, path, headers)
                    told = chosen and (chosen["timeouts"]["request"], bool(gateway_routing.copies(chosen)))
                    assert told == by_istio(istio[theirs], method, path, headers), (method, path, headers)


# How it says it


def mirrors(percent: float) -> list[dict[str, Any]]:
    subsets = {"v1": V1, "v2": {"image": "shop:2", "mirrorPercent": percent}}
    copied = rules(subsets=subsets)[0]
    return [each["requestMirror"] for each in copied["filters"]]


def test_a_percentage_keeps_four_decimals_and_above_100_there_are_several_copies() -> None:
    to = {"name": "nginx-v2-copies", "port": 80}
    assert mirrors(100) == [{"backendRef": to, "percent": 100}]
    assert mirrors(0.0001) == [{"backendRef": to, "fraction": {"numerator": 1, "denominator": 1_000_000}}]
    assert [each.get("percent") for each in mirrors(250)] == [100, 100, 50]
    assert mirrors(12.3456)[0]["fraction"] == {"numerator": 123_456, "denominator": 1_000_000}


def test_live_requests_go_to_the_services_of_the_versions_by_weight() -> None:
    subsets = {"v1": {"image": "shop:1", "weight": 90}, "v2": {"image": "shop:2", "weight": 10}}
    assert rules(subsets=subsets)[0]["backendRefs"] == [
        {"name": "nginx-v1", "port": 80, "weight": 90},
        {"name": "nginx-v2", "port": 80, "weight": 10},
    ]


def test_a_live_version_has_a_service_for_copies_that_no_pod_is_behind() -> None:
    found = rendered()
    selectors = {name: made["spec"]["selector"] for (kind, name), made in found.items() if kind == "Service"}
    assert selectors == {
        "nginx": {"app": "nginx", "version": "v1"},
        "nginx-v1": {"app": "nginx", "version": "v1"},
        "nginx-v1-copies": {"app": "nginx", "version": "v1", "mirrored-service/copies": "none"},
        "nginx-v2": {"app": "nginx", "version": "v2"},
        "nginx-v2-copies": {"app": "nginx", "version": "v2"},
    }


def test_copies_have_limits_of_their_own_and_live_requests_what_the_policy_says() -> None:
    policy = {"outlierDetection": {"consecutive5xxErrors": 3}}
    found = rendered(trafficPolicy=policy)
    hosts = {
        name: (made["spec"]["host"].split(".")[0], made["spec"]["trafficPolicy"])
        for (kind, name), made in found.items()
        if kind == "DestinationRule"
    }
    assert hosts["nginx-v1-policy"] == ("nginx-v1", policy)
    assert hosts["nginx-v2-policy"] == ("nginx-v2", policy)
    host, limits = hosts["nginx-v2-copies"]
    assert (host, limits["connectionPool"]["tcp"]) == ("nginx-v2-copies", {"maxConnections": 128})
    assert (
        set(rendered()) & {("DestinationRule", f"nginx-{version}-policy") for version in ("v1", "v2")}
        == set()
    )


def test_a_beginning_of_a_path_does_not_take_the_path_without_its_slash() -> None:
    routes = [{"match": [{"uri": {"prefix": "/cart/"}}], "timeout": "2s"}, {"timeout": "1s"}]
    found = rendered(routes=routes)["HTTPRoute", "nginx-ingress"]
    chosen = {
        path: gateway_routing.rule([found], "POST", path)
        for path in ("/cart", "/cart/", "/cart/1", "/cartoon")
    }
    assert {path: rule and rule["timeouts"]["request"] for path, rule in chosen.items()} == {
        "/cart": "1s",
        "/cart/": "2s",
        "/cart/1": "2s",
        "/cartoon": "1s",
    }


def test_a_path_that_is_rewritten_has_a_rule_for_each_match() -> None:
    routes = [
        {"match": [{"uri": {"prefix": "/old/"}}, {"uri": {"exact": "/old"}}], "rewrite": {"uri": "/new/"}},
        {},
    ]
    edited = [
        (rule["matches"][0]["path"]["value"], rule["filters"][0]["urlRewrite"]["path"])
        for rule in rules(routes=routes, mirrorMatch={"methods": ["*"]})
        if any(each["type"] == "URLRewrite" for each in rule.get("filters", ()))
    ]
    assert edited == [
        ("/old/", {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}),
        ("/old", {"type": "ReplaceFullPath", "replaceFullPath": "/new/"}),
    ]


def test_what_else_a_route_says_is_said_too() -> None:
    route = {
        "timeout": "1.5s",
        "headers": {"request": {"set": {"a": "1"}, "remove": ["b"]}, "response": {"add": {"c": "2"}}},
        "rewrite": {"authority": "shop.example.org"},
        "corsPolicy": {
            "allowOrigins": [{"exact": "https://a.example"}],
            "allowMethods": ["GET"],
            "maxAge": "1m",
            "allowCredentials": True,
        },
    }
    plain = rules(routes=[route])[-1]
    assert plain["timeouts"] == {"request": "1s500ms"}
    assert plain["filters"] == [
        {
            "type": "RequestHeaderModifier",
            "requestHeaderModifier": {"set": [{"name": "a", "value": "1"}], "remove": ["b"]},
        },
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "c", "value": "2"}]}},
        {"type": "URLRewrite", "urlRewrite": {"hostname": "shop.example.org"}},
        {
            "type": "CORS",
            "cors": {
                "allowOrigins": ["https://a.example"],
                "allowMethods": ["GET"],
                "allowCredentials": True,
                "maxAge": 60,
            },
        },
    ]


def test_a_redirect_answers_itself() -> None:
    redirect = {"prefixRewrite": "/new/", "authority": "b.example", "redirectCode": 308}
    routes = [{"match": [{"uri": {"prefix": "/old/"}}], "redirect": redirect}, {}]
    (found,) = [rule for rule in rules(routes=routes) if "backendRefs" not in rule]
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}
    to = {"statusCode": 308, "path": path, "hostname": "b.example"}
    assert found["filters"] == [{"type": "RequestRedirect", "requestRedirect": to}]


def test_more_than_64_matches_are_several_rules_that_do_the_same() -> None:
    paths = [f"/{number}" for number in range(100)]
    first, second, plain = rules(mirrorMatch={"methods": ["GET"], "paths": paths})
    assert (len(first["matches"]), len(second["matches"])) == (64, 36)
    assert {**first, "matches": None} == {**second, "matches": None}
    assert "filters" not in plain


def test_callers_in_the_mesh_have_a_route_for_each_port_whose_parent_is_their_service() -> None:
    ports = [{"name": "http", "port": 80}, {"name": "grpc", "port": 90}, {"name": "tcp", "port": 95}]
    more: dict[str, Any] = {"nginx-too": {}}
    found = rendered(ports=ports, moreServices=more, hosts=[], gateway=None)
    routes = {name: made["spec"] for (kind, name), made in found.items() if kind == "HTTPRoute"}
    assert set(routes) == {"nginx-mesh", "nginx-mesh-grpc"}
    assert routes["nginx-mesh-grpc"]["parentRefs"] == [
        {"group": "", "kind": "Service", "name": name, "port": 90} for name in ("nginx", "nginx-too")
    ]
    assert routes["nginx-mesh-grpc"]["rules"][0]["backendRefs"][0]["port"] == 90


def test_the_route_of_a_single_port_is_for_any_number() -> None:
    parents = rendered()["HTTPRoute", "nginx-mesh"]["spec"]["parentRefs"]
    assert parents == [{"group": "", "kind": "Service", "name": "nginx"}]


def test_the_gateway_is_one_of_gateway_api_or_one_that_is_there() -> None:
    made = rendered(hosts=["a.example"])
    assert made["Gateway", "nginx-gateway"]["spec"] == {
        "gatewayClassName": "istio",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
    }
    assert made["HTTPRoute", "nginx-ingress"]["spec"]["hostnames"] == ["a.example"]
    inside = {"networking.istio.io/service-type": "ClusterIP"}
    annotated = rendered(hosts=["a.example"], gateway={"annotations": inside})["Gateway", "nginx-gateway"]
    assert annotated["metadata"]["annotations"] == {"pulumi.com/patchForce": "true", **inside}
    there = rendered(hosts=["a.example"], gateway={"existing": "infra/public"})
    assert not [name for kind, name in there if kind == "Gateway"]
    parents = there["HTTPRoute", "nginx-ingress"]["spec"]["parentRefs"]
    assert parents == [{"name": "public", "namespace": "infra"}]


def test_with_https_a_route_of_its_own_leads_there() -> None:
    found = rendered(hosts=["a.example"], gateway={"tls": {"credentialName": "c"}})
    listener = found["Gateway", "nginx-gateway"]["spec"]["listeners"][1]
    assert listener["tls"] == {"mode": "Terminate", "certificateRefs": [{"name": "c"}]}
    sections = {
        name: made["spec"]["parentRefs"][0].get("sectionName")
        for (kind, name), made in found.items()
        if kind == "HTTPRoute" and name != "nginx-mesh"
    }
    assert sections == {"nginx-ingress": "https", "nginx-redirect": "http"}


def test_another_environment_is_a_host_of_the_mesh() -> None:
    found = rules(mirrorTo={"host": "a.example", "port": 8080, "percent": 5}, subsets={"v1": V1})
    assert found[0]["filters"][0]["requestMirror"] == {
        "backendRef": {
            "group": "networking.istio.io",
            "kind": "Hostname",
            "name": "mirror-to.nginx.istio-project.internal",
            "port": 80,
        },
        "percent": 5,
    }


# What is refused


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"gateway": {"delegate": True}, "hosts": None}, "gateway.delegate"),
        ({"gateway": {"selector": {"istio": "x"}}}, "gateway.selector"),
        ({"mirrorMatch": {"maxBodyBytes": 10}}, "mirrorMatch.maxBodyBytes"),
        ({"mirrorMatch": {"paths": ["/cart*"]}}, "mirrorMatch.paths[0]"),
        ({"mirrorMatch": {"paths": ["/a//b"]}}, "mirrorMatch.paths[0]"),
        ({"hosts": [f"{number}.example" for number in range(17)]}, "hosts"),
        ({"routes": [{"retries": {"attempts": 2}}]}, "routes[0].retries"),
        ({"routes": [{"fault": {"abort": {"httpStatus": 500}}}]}, "routes[0].fault"),
        ({"routes": [{"directResponse": {"status": 200}}]}, "routes[0].directResponse"),
        ({"routes": [{"name": "all"}]}, "routes[0].name"),
        ({"routes": [{"rewrite": {"uri": "/new"}}]}, "routes[0].rewrite.uri"),
        ({"routes": [{"rewrite": {"authority": "a.example:80"}}]}, "routes[0].rewrite.authority"),
        (
            {"routes": [{"headers": {"request": {"set": {"host": "a"}}}}]},
            "routes[0].headers.request.set.host",
        ),
        (
            {"routes": [{"corsPolicy": {"allowOrigins": [{"regex": ".*"}]}}]},
            "routes[0].corsPolicy.allowOrigins[0]",
        ),
        ({"routes": [{"match": [{"uri": {"regex": "/a.*"}}]}, {}]}, "routes[0].match[0].uri.regex"),
        ({"routes": [{"match": [{"uri": {"prefix": "/a"}}]}, {}]}, "routes[0].match[0].uri.prefix"),
        ({"routes": [{"match": [{"method": {"regex": "G.*"}}]}, {}]}, "routes[0].match[0].method"),
        ({"routes": [{"match": [{"withoutHeaders": {"a": {}}}]}, {}]}, "routes[0].match[0].withoutHeaders"),
        ({"routes": [{"match": [{"sourceNamespace": "a"}]}, {}]}, "routes[0].match[0].sourceNamespace"),
        ({"routes": [{"match": [{"headers": {"a": {"prefix": "b"}}}]}, {}]}, "routes[0].match[0].headers.a"),
        (
            {"routes": [{"match": [{"queryParams": {"a b": {}}}]}, {}]},
            'routes[0].match[0].queryParams["a b"]',
        ),
    ],
)
def test_what_gateway_api_cannot_say_is_refused(settings: dict[str, Any], path: str) -> None:
    (problem,) = refusals(**settings)
    assert problem.startswith(f"{path}: ")
    assert "not allowed; allowed: " in problem
    assert "api gateway" in problem
    if "delegate" not in path:
        parse(service_args(**{key: value for key, value in settings.items() if key != "api"}))


def test_annotations_are_of_a_gateway_that_is_made_by_gateway_api() -> None:
    inside = {"annotations": {"a": "b"}}
    (problem,) = problems(service_args(gateway=inside))
    assert problem.startswith("gateway.annotations: ")
    (problem,) = refusals(gateway={**inside, "existing": "a/b"})
    assert problem.startswith("gateway.annotations: ")


def test_an_order_that_gateway_api_would_not_follow_is_refused() -> None:
    marked = {"match": [{"headers": {"x-beta": {"exact": "1"}}}], "timeout": "2s"}
    cart = {"match": [{"uri": {"exact": "/cart"}}]}
    (problem,) = refusals(routes=[marked, cart, {}])
    assert problem.startswith(
        "routes[0]: this order is not allowed; allowed: with api gateway no routes[1] that is"
    )
    assert len(rules(routes=[cart, marked, {}])) == 6


def test_a_beginning_whose_path_without_slash_nobody_answers_is_refused() -> None:
    cart: dict[str, Any] = {"match": [{"uri": {"prefix": "/cart/"}}]}
    (problem,) = refusals(routes=[cart])
    assert problem.startswith(
        "routes[0]: the prefix '/cart/' is not allowed; allowed: with api gateway a route for /cart"
    )
    assert len(rules(routes=[{"match": [*cart["match"], {"uri": {"exact": "/cart"}}]}])) == 2


def test_what_one_route_cannot_hold_is_refused() -> None:
    (problem,) = refusals(mirrorMatch={"paths": [f"/{number}" for number in range(43)]})
    assert problem.startswith("routes: 4 rules with 130 matches are not allowed")
    matches = [{"match": [{"uri": {"exact": f"/{number}"}}], "mirror": False} for number in range(16)]
    (problem,) = refusals(routes=[*matches, {"mirror": False}])
    assert "17 rules" in problem
    many = {f"v{number}": {"image": "shop:2", "mirrorPercent": 900} for number in range(2, 4)}
    (problem,) = refusals(subsets={"v1": V1, **many})
    assert problem.startswith("subsets: so many copies")


def test_a_name_of_which_istio_makes_too_long_ones_is_refused() -> None:
    (problem,) = refusals(name="n" * 50, hosts=["a.example"])
    assert "-gateway-istio" in problem


def test_a_service_of_a_version_is_none_of_the_users() -> None:
    (problem,) = refusals(moreServices={"nginx-v2-copies": {}})
    assert problem.startswith("moreServices: the name 'nginx-v2-copies' is not allowed")


# Order


def test_versions_and_their_services_come_in_the_order_in_which_subsets_do() -> None:
    order = [step.key for step in plan(parse(service_args(api="gateway")))]
    assert order == [
        ("Namespace", "istio-project"),
        ("DestinationRule", "nginx-v1-copies"),
        ("Service", "nginx-v1-copies"),
        ("Service", "nginx-v1"),
        ("Deployment", "nginx-v1"),
        ("Service", "nginx"),
        ("Gateway", "nginx-gateway"),
        ("HTTPRoute", "nginx-ingress"),
        ("HTTPRoute", "nginx-mesh"),
        ("Service", "nginx-v2"),
        ("Deployment", "nginx-v2"),
        ("DestinationRule", "nginx-v2-copies"),
        ("Service", "nginx-v2-copies"),
    ]


def test_what_lets_copies_through_waits_as_the_rule_of_subsets_does() -> None:
    steps = {step.key: step for step in plan(parse(service_args(api="gateway", createNamespace=False)))}
    by_istio = {step.key: step for step in plan(parse(service_args(createNamespace=False)))}
    for version in ("v1", "v2"):
        copies, rule = ("Service", f"nginx-{version}-copies"), ("DestinationRule", f"nginx-{version}")
        assert steps[copies].waits == by_istio[rule].waits
    for ours, theirs in (("nginx-ingress", "nginx-vs"), ("nginx-mesh", "nginx-mesh")):
        assert steps["HTTPRoute", ours].waits == by_istio["VirtualService", theirs].waits
