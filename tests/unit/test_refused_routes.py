"""What is refused of hosts, gateways and routes, in which words."""

from typing import Any

import pytest

from mirrored_service.reading.service import parse
from tests.refusals import NOT, problems
from tests.services import service_args

CART = {"uri": {"prefix": "/cart/"}}
WITHOUT_HOSTS = (
    "nothing without hosts, as then no request enters through a gateway; list hosts, or say gateway.delegate"
)
ROOT = "nothing next to gateway.delegate, as the root VirtualService says hosts and gateway"
COPIES = "as weights, mirrorPercent and mirrorTo say where requests and copies go"
DURATION = "a duration from 1 millisecond to 8760 hours, in whole milliseconds, such as 3s, 1.5s or 200ms"
ODD_PATH = (
    'a path that starts with "/", printable ASCII without "?", "#" and "*", which would be taken literally'
)
WAY_OUT = "or mirror: false for this route"


def route(**parts: Any) -> Any:
    return service_args(routes=[parts])


def match(**parts: Any) -> Any:
    return service_args(routes=[{"match": [parts]}])


REFUSED: list[tuple[str, Any, str]] = [
    *(
        (
            f"{key} of a gateway without hosts",
            service_args(hosts=None, gateway={key: value}),
            f"gateway.{key}: {shown} {NOT} {WITHOUT_HOSTS}",
        )
        for key, value, shown in [
            ("existing", "a/b", "'a/b'"),
            ("port", 8080, "8080"),
            ("ownsHosts", True, "True"),
            ("tls", {"credentialName": "c"}, "a mapping"),
        ]
    ),
    *(
        (
            f"{key} next to a delegate",
            service_args(hosts=None, gateway={"delegate": True, key: value}),
            f"gateway.{key}: {shown} {NOT} {ROOT}",
        )
        for key, value, shown in [
            ("existing", "a/b", "'a/b'"),
            ("selector", {"a": "b"}, "a mapping"),
            ("ownsHosts", True, "True"),
        ]
    ),
    ("hosts of a delegate", service_args(gateway={"delegate": True}), f"hosts: a list {NOT} {ROOT}"),
    (
        "no routes",
        service_args(routes=[]),
        "routes: an empty list is not allowed; allowed: a list of 1 to 200 ",
    ),
    ("a route that is none", service_args(routes=["/cart"]), f"routes[0]: a string {NOT} a mapping"),
    ("a misspelt field", route(timout="3s"), "routes[0].timout: unknown, did you mean timeout?"),
    (
        "a misspelt field further down",
        match(uri={"prefx": "/"}),
        "routes[0].match[0].uri.prefx: unknown, did you mean prefix?",
    ),
    ("destinations", route(route=[]), f"routes[0].route: an empty list {NOT} nothing, {COPIES}"),
    (
        "a mirror of Istio's",
        route(mirror={"host": "a"}),
        f"routes[0].mirror: a mapping {NOT} true or false, {COPIES}",
    ),
    ("mirrors", route(mirrors=[{}]), f"routes[0].mirrors: a list {NOT} nothing, {COPIES}"),
    ("a delegate", route(delegate={"name": "a"}), f"routes[0].delegate: a mapping {NOT} nothing, {COPIES}"),
    (
        "copies of what the proxy answers",
        route(redirect={"uri": "/"}, mirror=True),
        f"routes[0].mirror: true {NOT} nothing next to redirect or directResponse, which no version is asked for",
    ),
    (
        "a route for everything before others",
        service_args(routes=[{"match": [{"uri": {"prefix": "/"}}]}, {"match": [CART]}]),
        f"routes[0]: a route for every request {NOT} as the last one only, as none of the 1 after it would get a "
        "request",
    ),
    (
        "routes that are for the mesh only",
        match(gateways=["mesh"]),
        'routes: only matches of gateways ["mesh"] are not allowed; allowed: with hosts or gateway.delegate, a '
        "route for what comes in through the gateway",
    ),
    (
        "routes that leave out a port of several",
        service_args(
            ports=[{"name": "http", "port": 80}, {"name": "http-b", "port": 81}],
            routes=[{"match": [{**CART, "port": 81}]}],
        ),
        "routes: only matches of other ports than 80 are not allowed; allowed: a route for each port of the "
        "service",
    ),
    (
        "a gateway in a match",
        match(gateways=["a/b"]),
        f'routes[0].match[0].gateways: a list {NOT} ["mesh"], for callers inside the mesh only; all other routes '
        "are for both, as hosts and gateway say",
    ),
    (
        "an empty match",
        match(),
        f"routes[0].match[0]: an empty mapping {NOT} at least one condition; leave match out for every request",
    ),
    (
        "a path with a star",
        match(uri={"prefix": "/cart/*"}),
        f"routes[0].match[0].uri.prefix: '/cart/*' {NOT} {ODD_PATH}",
    ),
    (
        "a path with a query",
        match(uri={"exact": "/a?b"}),
        f"routes[0].match[0].uri.exact: '/a?b' {NOT} {ODD_PATH}",
    ),
    (
        "two conditions in one",
        match(uri={"exact": "/a", "prefix": "/a"}),
        f"routes[0].match[0].uri: a mapping {NOT} one of exact, prefix and regex",
    ),
    (
        "no condition for a method",
        match(method={}),
        "routes[0].match[0].method: an empty mapping is not allowed",
    ),
    (
        "an expression that looks ahead",
        match(uri={"regex": "/(?=a)"}),
        "routes[0].match[0].uri.regex: '/(?=a)' is",
    ),
    (
        "claims, which only gateways know",
        match(headers={"@request.auth.claims.group": {"exact": "a"}}),
        'routes[0].match[0].headers["@request.auth.claims.group"]: a mapping is not allowed; allowed: no claims, '
        "which Istio takes at gateways only",
    ),
    (
        "a header twice",
        match(headers={"X-A": {}, "x-a": {}}),
        "routes[0].match[0].headers.x-a: an empty mapping is not allowed; allowed: each header once; capitals "
        "make no difference",
    ),
    ("a time without a unit", route(timeout="3"), f"routes[0].timeout: '3' {NOT} {DURATION}"),
    ("no time at all", route(timeout="0s"), f"routes[0].timeout: '0s' {NOT} {DURATION}"),
    (
        "retries that are off and described",
        route(retries={"attempts": 0, "perTryTimeout": "1s"}),
        f"routes[0].retries.perTryTimeout: '1s' {NOT} nothing unless attempts are 1 or more; 0 is no retries",
    ),
    (
        "a condition for retries that Envoy does not have",
        route(retries={"attempts": 1, "retryOn": "5xx,sometimes"}),
        "routes[0].retries.retryOn: 'sometimes' is not allowed; allowed: 5xx, cancelled, connect-failure,",
    ),
    (
        "a group that the expression does not have",
        route(rewrite={"uriRegexRewrite": {"match": "/(a)", "rewrite": r"/\2"}}),
        r"routes[0].rewrite.uriRegexRewrite.rewrite: '/\\2' is not allowed; allowed: printable ASCII",
    ),
    (
        "a rewrite of what is redirected",
        route(redirect={"uri": "/"}, rewrite={"uri": "/"}),
        f"routes[0].rewrite: a mapping {NOT} nothing next to redirect",
    ),
    (
        "a variable that Envoy does not have",
        route(headers={"request": {"set": {"x-a": "%WHO%"}}}),
        "routes[0].headers.request.set.x-a: a string is not allowed; allowed: printable ASCII;",
    ),
    (
        "a new host twice",
        route(rewrite={"authority": "a"}, headers={"request": {"set": {"host": "b"}}}),
        f"routes[0].headers.request: a list {NOT} one new host name of the request, also next to "
        "rewrite.authority",
    ),
    (
        "a status that is none",
        route(directResponse={"status": 99}),
        f"routes[0].directResponse.status: 99 {NOT} a status from 200 to 599",
    ),
    (
        "a redirect that Istio cannot write",
        route(redirect={"uri": "/", "redirectCode": 305}),
        f"routes[0].redirect.redirectCode: 305 {NOT} 301 or 302 or 303 or 307 or 308",
    ),
    (
        "an expression for the path next to paths that are copied",
        service_args(routes=[{"match": [{"uri": {"regex": "/a.*"}}]}], mirrorMatch={"paths": ["/a"]}),
        f"routes[0].match[0].uri.regex: '/a.*' {NOT} exact or prefix next to mirrorMatch.paths, as the paths "
        f"that both take are not known, {WAY_OUT}",
    ),
    (
        "capitals that do not count next to paths that are copied",
        service_args(routes=[{"match": [{**CART, "ignoreUriCase": True}]}], mirrorMatch={"paths": ["/a"]}),
        f"routes[0].match[0].ignoreUriCase: true {NOT} false next to mirrorMatch.paths, whose capitals count, "
        f"{WAY_OUT}",
    ),
    (
        "a beginning that is rewritten next to longer ones that are copied",
        service_args(routes=[{"rewrite": {"uri": "/v1/"}}], mirrorMatch={"paths": ["/cart/*"]}),
        f"routes[0].rewrite.uri: '/v1/' {NOT} nothing next to mirrorMatch.paths below the route's prefix, as "
        "more of the path would be rewritten of requests that are copied than of others; uriRegexRewrite, or "
        "mirror: false for this route",
    ),
    (
        "an expression for a header that what is copied has",
        service_args(
            routes=[{"match": [{"headers": {"X-A": {"regex": "a+"}}}]}], mirrorMatch={"headers": {"x-a": "a"}}
        ),
        f"routes[0].match[0].headers.X-A.regex: a string {NOT} exact or prefix next to mirrorMatch.headers of "
        f"this header, as the values that both take are not known, {WAY_OUT}",
    ),
    (
        "the size of the body twice",
        service_args(
            routes=[{"match": [{"headers": {"Content-Length": {"exact": "0"}}}]}],
            mirrorMatch={"maxBodyBytes": 5},
        ),
        f"routes[0].match[0].headers.Content-Length: a mapping {NOT} nothing next to mirrorMatch.maxBodyBytes, "
        f"which matches by it, {WAY_OUT}",
    ),
    (
        "more entries than an object holds",
        service_args(
            routes=[{"match": [{"uri": {"exact": f"/{number}"}} for number in range(60)]}],
            mirrorMatch={"methods": ["GET"], "paths": [f"/{number}" for number in range(100)]},
        ),
        "routes: 6060 entries in all are not allowed; allowed: at most 5000",
    ),
]


@pytest.mark.parametrize(("args", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_said(args: Any, line: str) -> None:
    found = problems(args)
    assert [problem for problem in found if problem.startswith(line)], found


def test_every_problem_is_said_at_once() -> None:
    found = problems(
        service_args(routes=[{"timeout": "3"}, {"match": [{"uri": {"prefix": "a"}}], "mirrors": []}])
    )
    assert [problem.split(":")[0] for problem in found] == [
        "routes[0].timeout",
        "routes[1].mirrors",
    ]


def test_values_of_headers_are_never_shown() -> None:
    edits = {"request": {"set": {"authorization": "hunter2%"}}}
    (found,) = problems(service_args(routes=[{"headers": edits}]))
    assert "hunter2" not in found


def test_what_mirror_false_takes_out_of_the_way_is_allowed() -> None:
    own = [{"match": [{"uri": {"regex": "/a.*"}}], "mirror": False}, {}]
    assert len(parse(service_args(routes=own, mirrorMatch={"paths": ["/a"]})).routes) == 2


def test_everything_that_istio_has_is_allowed() -> None:
    own: list[dict[str, Any]] = [
        {
            "name": "cart",
            "match": [
                {
                    "name": "reads",
                    "uri": {"regex": "/cart/[0-9]{1,9}"},
                    "method": {"regex": "GET|HEAD"},
                    "authority": {"prefix": "shop."},
                    "scheme": {"exact": "http"},
                    "headers": {"x-a": {"regex": "a|b"}, ":path": {"prefix": "/cart"}},
                    "withoutHeaders": {"x-b": {}},
                    "queryParams": {"q": {"exact": "1"}},
                    "port": 80.0,
                    "sourceLabels": {"app": "web"},
                    "sourceNamespace": "web",
                    "ignoreUriCase": False,
                    "statPrefix": "cart",
                }
            ],
            "timeout": "1m30s",
            "retries": {"attempts": 2.0, "perTryTimeout": "0.5s", "retryOn": "5xx,503", "backoff": "25ms"},
            "rewrite": {"uriRegexRewrite": {"match": "^/cart/([0-9]+)", "rewrite": r"/v2/\1"}},
            "headers": {
                "request": {"set": {"x-from": "%REQ(x-a)%, 100%%"}, "remove": ["x-b"]},
                "response": {"add": {"x-served": "%HOSTNAME%"}},
            },
            "corsPolicy": {
                "allowOrigins": [{"regex": "https://.*"}],
                "allowMethods": ["GET"],
                "allowHeaders": ["*"],
                "maxAge": "24h",
                "allowCredentials": True,
                "unmatchedPreflights": "IGNORE",
            },
            "fault": {
                "abort": {"httpStatus": 503, "percentage": {"value": 0.1}},
                "delay": {"fixedDelay": "1s"},
            },
        },
        {
            "match": [{"uri": {"prefix": "/old/"}}],
            "redirect": {"prefixRewrite": "/new/", "redirectCode": 308},
        },
        {"match": [{"uri": {"exact": "/x"}}], "directResponse": {"status": 404, "body": {"string": "gone"}}},
        {},
    ]
    (first, *rest) = parse(service_args(routes=own)).routes
    assert repr(first.matches[0]["port"]) == "80"
    assert repr(first.rest["retries"]["attempts"]) == "2"
    assert [route.answers_itself for route in rest] == [True, True, False]
