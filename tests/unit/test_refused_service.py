"""What is refused of a service as a whole, in which words."""

from typing import Any

import pulumi
import pytest

from tests.refusals import LABEL, MAPPING, NOT, PORT, V1, problems
from tests.services import service_args

HOSTS = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
METHODS = '["*"], or a list of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, CONNECT, TRACE'
PROVIDERS = (
    "a list of log providers of the mesh, such as \"mirrored-service-json\": letters, digits, '-', '_', '.', "
    "at most 253"
)
NAME = f"{LABEL}, starting with a letter"
PATHS = (
    'a list of at most 100 paths, such as "/cart", or "/cart/*" for all that start with "/cart/"; without a '
    'query, and with "*" at the end only'
)
LABEL_KEY = "the key of a Kubernetes label"
LABEL_VALUE = "the value of a Kubernetes label, at most 63 characters"

REFUSED: list[tuple[str, Any, str]] = [
    ("arguments that are no mapping", ["nginx"], f"arguments: a list {NOT} {MAPPING}"),
    ("a misspelt key", service_args(port=80), "port: unknown, did you mean ports?"),
    (
        "a key in another spelling",
        service_args(Create_Namespace=True),
        "Create_Namespace: unknown, did you mean createNamespace?",
    ),
    (
        "a key that is no string",
        {**service_args(), 80: True},
        "80: unknown, allowed: accessLog, annotations, answerDigests, api, clusterDomain, createNamespace, "
        "disruptionBudget, expectedRequestsPerSecond, gateway, hosts, keepOnDestroy, labels, mirrorHeaders, "
        "mirrorMatch, mirrorTo, moreServices, name, namespace, namespaceLabels, ports, routes, settleSeconds, "
        "subsets, trafficPolicy",
    ),
    (
        "a key on the wrong level",
        service_args(gateway={"mirrorMatch": {}}),
        "gateway.mirrorMatch: unknown, allowed: mirrorMatch of the service as a whole",
    ),
    (
        "a key of a version",
        service_args(weight=100),
        "weight: unknown, allowed: weight of a version, in subsets",
    ),
    (
        "a key with what it should hold",
        {**service_args(), "subsets.v1.env.PIN=hush": ""},
        '["subsets.v1.env.PIN="]: unknown, allowed: accessLog, annotations, answerDigests, api, clusterDomain, '
        "createNamespace, disruptionBudget, expectedRequestsPerSecond, gateway, hosts, keepOnDestroy, labels, "
        "mirrorHeaders, mirrorMatch, mirrorTo, moreServices, name, namespace, namespaceLabels, ports, routes, "
        "settleSeconds, subsets, trafficPolicy",
    ),
    ("no name", service_args(name=None), f"name: missing; allowed: {NAME}"),
    ("an empty name", service_args(name=""), f"name: '' {NOT} {NAME}"),
    ("a name that starts with a digit", service_args(name="1shop"), f"name: '1shop' {NOT} {NAME}"),
    ("a name that ends with a hyphen", service_args(name="shop-"), f"name: 'shop-' {NOT} {NAME}"),
    ("a name with capitals", service_args(name="Shop"), f"name: 'Shop' {NOT} {NAME}"),
    ("a name with a line end", service_args(name="shop\n"), f"name: 'shop\\n' {NOT} {NAME}"),
    ("a number as name", service_args(name=5), f"name: 5 {NOT} {NAME}"),
    (
        "an output as name",
        service_args(name=pulumi.Output.from_input("shop")),
        f"name: an output {NOT} {NAME}",
    ),
    (
        "a very long name",
        service_args(name="a" * 9999),
        f"name: '{'a' * 60}'... (9999 characters) {NOT} {NAME}",
    ),
    (
        "a name too long for nginx-versions",
        service_args(name="a" * 60),
        f"name: '{'a' * 60}' {NOT} a name short enough that '{'a' * 60}-versions' has at most 63 characters",
    ),
    (
        "a name that the sidecar's container has",
        service_args(name="istio-proxy"),
        f"name: 'istio-proxy' {NOT} none of istio-init, istio-proxy, istio-validation, which are Istio's own "
        "containers in the pod",
    ),
    ("a namespace that is no label", service_args(namespace="my_ns"), f"namespace: 'my_ns' {NOT} {LABEL}"),
    (
        "a namespace to create that is there in every cluster",
        service_args(namespace="default"),
        f"namespace: 'default' {NOT} next to createNamespace true, a namespace that does not exist yet, and "
        "every cluster has this one",
    ),
    (
        "createNamespace as text",
        service_args(createNamespace="yes"),
        f"createNamespace: 'yes' {NOT} true or false",
    ),
    ("createNamespace as number", service_args(createNamespace=1), f"createNamespace: 1 {NOT} true or false"),
    ("one host and no list", service_args(hosts="a.example"), f"hosts: 'a.example' {NOT} {HOSTS}"),
    ("a host that is null", service_args(hosts=[None]), f"hosts[0]: null {NOT} {HOSTS}"),
    ("a host without a dot", service_args(hosts=["a.example", "shop"]), f"hosts[1]: 'shop' {NOT} {HOSTS}"),
    ("a host with a port", service_args(hosts=["a.example:80"]), f"hosts[0]: 'a.example:80' {NOT} {HOSTS}"),
    (
        "a wildcard that is no whole label",
        service_args(hosts=["*a.example"]),
        f"hosts[0]: '*a.example' {NOT} {HOSTS}",
    ),
    ("a host with a numeric top level", service_args(hosts=["1.2.3"]), f"hosts[0]: '1.2.3' {NOT} {HOSTS}"),
    ("an IPv6 address as host", service_args(hosts=["::1"]), f"hosts[0]: '::1' {NOT} {HOSTS}"),
    (
        "a host longer than DNS allows",
        service_args(hosts=["a." * 126 + "bc"]),
        f"hosts[0]: '{'a.' * 30}'... (254 characters) {NOT} {HOSTS}",
    ),
    (
        "a host twice",
        service_args(hosts=["a.example", "a.example"]),
        f"hosts[1]: 'a.example' {NOT} no host that overlaps with hosts[0], which is 'a.example'",
    ),
    (
        "a host that a wildcard has already",
        service_args(hosts=["a.b.example", "*.example"]),
        f"hosts[1]: '*.example' {NOT} no host that overlaps with hosts[0], which is 'a.b.example'",
    ),
    (
        "a host next to any host",
        service_args(hosts=["*", "a.example"]),
        f"hosts[1]: 'a.example' {NOT} no host that overlaps with hosts[0], which is '*'",
    ),
    ("a list as gateway", service_args(gateway=[]), f"gateway: an empty list {NOT} {MAPPING}"),
    (
        "a gateway without its namespace",
        service_args(gateway={"existing": "shared"}),
        f"gateway.existing: 'shared' {NOT} \"namespace/name\", both DNS labels",
    ),
    (
        "a gateway with a dot, which Istio refuses",
        service_args(gateway={"existing": "shared/web.1"}),
        f"gateway.existing: 'shared/web.1' {NOT} \"namespace/name\", both DNS labels",
    ),
    (
        "a port for an existing gateway",
        service_args(gateway={"existing": "a/b", "port": 80}),
        f"gateway.port: 80 {NOT} nothing next to existing, whose owner sets it",
    ),
    (
        "a gateway's port of its proxy",
        service_args(gateway={"port": 15090}),
        f"gateway.port: 15090 {NOT} {PORT}",
    ),
    (
        "a selector that selects every gateway",
        service_args(gateway={"selector": {}}),
        f"gateway.selector: an empty mapping {NOT} labels of the ingress gateway's pods, at least one",
    ),
    (
        "a selector's key that is none",
        service_args(gateway={"selector": {"a/b/c": "x"}}),
        f"gateway.selector: the name 'a/b/c' {NOT} {LABEL_KEY}",
    ),
    (
        "a selector's value that is none",
        service_args(gateway={"selector": {"app.example/role": "a b"}}),
        f"gateway.selector[\"app.example/role\"]: 'a b' {NOT} {LABEL_VALUE}",
    ),
    (
        "a selector's value too long",
        service_args(gateway={"selector": {"app": "a" * 64}}),
        f"gateway.selector.app: '{'a' * 64}' {NOT} {LABEL_VALUE}",
    ),
    (
        "an unknown method",
        service_args(mirrorMatch={"methods": ["GET", "get"]}),
        f"mirrorMatch.methods[1]: 'get' {NOT} {METHODS}",
    ),
    (
        "no method",
        service_args(mirrorMatch={"methods": []}),
        f"mirrorMatch.methods: an empty list {NOT} {METHODS}",
    ),
    (
        "every method and one more",
        service_args(mirrorMatch={"methods": ["GET", "*"]}),
        f"mirrorMatch.methods[1]: '*' {NOT} nothing next to \"*\", which is every method",
    ),
    *(
        (
            f"a path to copy that is {what}",
            service_args(mirrorMatch={"paths": ["/a", path]}),
            f"mirrorMatch.paths[1]: {path!r} {NOT} {PATHS}",
        )
        for what, path in [
            ("relative", "cart"),
            ("empty", ""),
            ("any", "*"),
            ("a pattern", "/*/cart"),
            ("with a query", "/cart?x=1"),
            ("with a fragment", "/cart#x"),
            ("with a space", "/a b"),
        ]
    ),
    (
        "a path and no list",
        service_args(mirrorMatch={"paths": "/a"}),
        f"mirrorMatch.paths: '/a' {NOT} {PATHS}",
    ),
    (
        "no path",
        service_args(mirrorMatch={"paths": []}),
        f"mirrorMatch.paths: an empty list {NOT} {PATHS}; leave it out for every path",
    ),
    (
        "too many paths",
        service_args(mirrorMatch={"paths": [f"/{number}" for number in range(101)]}),
        f"mirrorMatch.paths: a list {NOT} {PATHS}",
    ),
    (
        "headers as a list",
        service_args(mirrorMatch={"headers": ["x-debug"]}),
        f"mirrorMatch.headers: a list {NOT} header names and their values",
    ),
    (
        "a header's name with a colon",
        service_args(mirrorMatch={"headers": {":path": "/a"}}),
        f"mirrorMatch.headers: the name ':path' {NOT} a header's name: letters, digits, '-' and '_'",
    ),
    (
        "a header that Istio ignores",
        service_args(mirrorMatch={"headers": {"URI": "/a"}}),
        f"mirrorMatch.headers: the name 'URI' {NOT} none that Istio does not match by: use methods, paths or "
        "hosts",
    ),
    (
        "a header twice",
        service_args(mirrorMatch={"headers": {"x-debug": "1", "X-Debug": "2"}}),
        f"mirrorMatch.headers: the name 'X-Debug' {NOT} each header once; capitals make no difference",
    ),
    *(
        (
            f"a header's value that is {what}",
            service_args(mirrorMatch={"headers": {"x-debug": value}}),
            f"mirrorMatch.headers.x-debug: {shown} {NOT} the header's exact value in printable ASCII, or "
            + '"*" for any',
        )
        for what, value, shown in [
            ("empty", "", "a string"),
            ("a number", 1, "a number"),
            ("on two lines", "a\nb", "a string"),
            ("trimmed by HTTP", " a", "a string"),
        ]
    ),
    (
        "a size as text",
        service_args(mirrorMatch={"maxBodyBytes": "1M"}),
        f"mirrorMatch.maxBodyBytes: '1M' {NOT} a whole number from 0 to 1000000000",
    ),
    (
        "two limits of the size",
        service_args(mirrorMatch={"maxBodyBytes": 5, "headers": {"Content-Length": "4"}}),
        f"mirrorMatch.headers: the name 'content-length' {NOT} none that maxBodyBytes matches by already",
    ),
    (
        "one log provider and no list",
        service_args(accessLog={"providers": "envoy"}),
        f"accessLog.providers: 'envoy' {NOT} {PROVIDERS}",
    ),
    (
        "no log provider, which Istio takes for those of the mesh",
        service_args(accessLog={"providers": []}),
        f"accessLog.providers: an empty list {NOT} {PROVIDERS}",
    ),
    (
        "a log provider without a name",
        service_args(accessLog={"providers": ["envoy", ""]}),
        f"accessLog.providers[1]: '' {NOT} {PROVIDERS}",
    ),
    (
        "a log provider twice",
        service_args(accessLog={"providers": ["envoy", "envoy"]}),
        f"accessLog.providers[1]: 'envoy' {NOT} each provider once",
    ),
    (
        "a log provider's name in the singular",
        service_args(accessLog={"provider": "envoy"}),
        "accessLog.provider: unknown, did you mean providers?",
    ),
    (
        "a provider where a mapping belongs",
        service_args(accessLog="envoy"),
        f"accessLog: a string {NOT} {MAPPING}",
    ),
    (
        "a wait that is too long",
        service_args(settleSeconds=300.5),
        f"settleSeconds: 300.5 {NOT} a number from 0 to 300",
    ),
    ("true as wait", service_args(settleSeconds=True), f"settleSeconds: True {NOT} a number from 0 to 300"),
    (
        "a rate below zero",
        service_args(expectedRequestsPerSecond=-1),
        f"expectedRequestsPerSecond: -1 {NOT} a number from 0 to 1000000",
    ),
    (
        "subsets that are not given",
        {"name": "nginx", "namespace": "shop"},
        "subsets: missing; allowed: at least one version, by name",
    ),
    ("no subsets", service_args(subsets={}), f"subsets: an empty mapping {NOT} at least one version"),
    ("subsets as a list", {**service_args(), "subsets": [V1]}, f"subsets: a list {NOT} versions by name"),
    (
        "subsets as an output",
        {**service_args(), "subsets": pulumi.Output.from_input({})},
        f"subsets: an output {NOT} versions by name",
    ),
    (
        "a version's name that is no label",
        service_args({"v1": V1, "v1.2": {"image": "a"}}),
        f"subsets: the name 'v1.2' {NOT} {LABEL}, such as v1",
    ),
    (
        "a version's name that is empty",
        service_args({"v1": V1, "": {"image": "a"}}),
        f"subsets: the name '' {NOT} {LABEL}, such as v1",
    ),
    (
        "a version's name that is a number",
        {**service_args(), "subsets": {"v1": V1, 2: {"image": "a"}}},
        f"subsets: the name 2 {NOT} {LABEL}, such as v1",
    ),
    (
        "a version's name that another version's copies go by",
        service_args({"v1": V1, "v1-copies": {"image": "a"}}),
        f"subsets: the name 'v1-copies' {NOT} a name of at most 56 characters that does not end in '-copies', as "
        "its copies go to 'v1-copies-copies'",
    ),
    (
        "weights that do not sum to 100",
        service_args({"v1": V1, "v2": {"image": "a", "weight": 10}}),
        "subsets: the weights sum to 110 (v1 100, v2 10); allowed: a sum of 100",
    ),
    (
        "nothing live",
        service_args({"v1": {"image": "a"}}),
        "subsets: the weights sum to 0 (v1 0); allowed: a sum of 100",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)
