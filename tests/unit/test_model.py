"""What is refused, in which words; and what is filled in."""

from typing import Any

import pulumi
import pytest

from mirrored_service import InvalidArgsError, MirroredServiceArgs, model
from tests.services import service_args

V1 = {"image": "shop:1", "weight": 100}


def v1(**changes: Any) -> MirroredServiceArgs:
    return service_args({"v1": {**V1, **changes}})


def v2(**changes: Any) -> MirroredServiceArgs:
    return service_args({"v1": V1, "v2": {"image": "shop:2", **changes}})


HOSTS = 'a list of host names, such as "shop.example.org", "*.example.org" or "*", each once'
METHODS = '["*"], or a list of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, CONNECT, TRACE'
LABEL = "a DNS label: a-z, 0-9 and '-', at most 63"

REFUSED: list[tuple[str, Any, str]] = [
    (
        "a version that is no mapping",
        service_args({"v1": V1, "v2": "shop:2"}),
        "subsets.v2: 'shop:2' is not allowed; allowed: a mapping of properties",
    ),
    ("no name", service_args(name=None), f"name: missing; allowed: {LABEL}, starting with a letter"),
    (
        "a name that starts with a digit",
        service_args(name="1shop"),
        f"name: '1shop' is not allowed; allowed: {LABEL}, starting with a letter",
    ),
    (
        "a name with capitals",
        service_args(name="Shop"),
        f"name: 'Shop' is not allowed; allowed: {LABEL}, starting with a letter",
    ),
    (
        "a name too long for nginx-versions",
        service_args(name="a" * 60),
        f"name: '{'a' * 60}' is not allowed; allowed: a name short enough that '{'a' * 60}-versions' has at "
        "most 63 characters",
    ),
    (
        "a namespace that is no label",
        service_args(namespace="my_ns"),
        f"namespace: 'my_ns' is not allowed; allowed: {LABEL}",
    ),
    (
        "createNamespace as text",
        service_args(createNamespace="yes"),
        "createNamespace: 'yes' is not allowed; allowed: true or false",
    ),
    ("port 0", service_args(port=0), "port: 0 is not allowed; allowed: a whole number from 1 to 65535"),
    (
        "port as text",
        service_args(port="80"),
        "port: '80' is not allowed; allowed: a whole number from 1 to 65535",
    ),
    (
        "an unknown protocol",
        service_args(protocol="tcp"),
        "protocol: 'tcp' is not allowed; allowed: http or http2 or grpc",
    ),
    ("no hosts", service_args(hosts=[]), f"hosts: [] is not allowed; allowed: {HOSTS}"),
    (
        "a host without a dot",
        service_args(hosts=["a.example", "shop"]),
        f"hosts[1]: 'shop' is not allowed; allowed: {HOSTS}",
    ),
    (
        "a host twice",
        service_args(hosts=["a.example", "a.example"]),
        f"hosts[1]: 'a.example' is not allowed; allowed: {HOSTS}",
    ),
    (
        "a gateway without its namespace",
        service_args(gateway={"existing": "shared"}),
        "gateway.existing: 'shared' is not allowed; allowed: \"namespace/name\"",
    ),
    (
        "a port for an existing gateway",
        service_args(gateway={"existing": "a/b", "port": 80}),
        "gateway.port: 80 is not allowed; allowed: nothing next to existing, whose owner sets it",
    ),
    (
        "no subsets",
        service_args(subsets={}),
        "subsets: {} is not allowed; allowed: at least one version",
    ),
    (
        "a subset name that is no label",
        service_args({"v1": V1, "v1.2": {"image": "a"}}),
        "subsets.v1.2: {'image': 'a'} is not allowed; allowed: versions by name, each name " + LABEL,
    ),
    (
        "no image",
        service_args({"v1": {"weight": 100}}),
        "subsets.v1.image: missing; allowed: a container image",
    ),
    ("an empty image", v1(image=""), "subsets.v1.image: '' is not allowed; allowed: a container image"),
    (
        "weight above 100",
        v1(weight=101),
        "subsets.v1.weight: 101 is not allowed; allowed: a whole number from 0 to 100",
    ),
    (
        "half a percent of weight",
        v1(weight=0.5),
        "subsets.v1.weight: 0.5 is not allowed; allowed: a whole number from 0 to 100",
    ),
    (
        "weight as true",
        v1(weight=True),
        "subsets.v1.weight: True is not allowed; allowed: a whole number from 0 to 100",
    ),
    (
        "an output as weight",
        v1(weight=pulumi.Output.from_input(100)),
        "subsets.v1.weight: an output is not allowed; allowed: a whole number from 0 to 100",
    ),
    (
        "weights that do not sum to 100",
        v2(weight=10),
        "subsets: the weights sum to 110 (v1 100, v2 10); allowed: a sum of 100",
    ),
    (
        "nothing live",
        v1(weight=0),
        "subsets: the weights sum to 0 (v1 0); allowed: a sum of 100",
    ),
    (
        "live and shadow at once",
        v1(mirrorPercent=5),
        "subsets.v1.mirrorPercent: 5 is not allowed; allowed: 0 next to weight 100, as a version is live or a "
        "shadow, never both",
    ),
    (
        "a percentage too small to copy anything",
        v2(mirrorPercent=0.00001),
        "subsets.v2.mirrorPercent: 1e-05 is not allowed; allowed: 0, or a number from 0.0001 to 1000",
    ),
    (
        "a percentage as text",
        v2(mirrorPercent="50%"),
        "subsets.v2.mirrorPercent: '50%' is not allowed; allowed: 0, or a number from 0.0001 to 1000",
    ),
    (
        "a negative percentage",
        v2(mirrorPercent=-1),
        "subsets.v2.mirrorPercent: -1 is not allowed; allowed: 0, or a number from 0.0001 to 1000",
    ),
    (
        "a misspelt percentage",
        v2(mirrorPercnt=50),
        "subsets.v2.mirrorPercnt: unknown, did you mean mirrorPercent?",
    ),
    (
        "a key far from any other",
        v2(probe={"zzz": 1}),
        "subsets.v2.probe.zzz: unknown, allowed: failureThreshold, path, periodSeconds, timeoutSeconds",
    ),
    (
        "no replicas",
        v1(replicas=0),
        "subsets.v1.replicas: 0 is not allowed; allowed: a whole number from 1 to 10000",
    ),
    (
        "a number as variable",
        v1(env={"PORT": 8080}),
        "subsets.v1.env.PORT: 8080 is not allowed; allowed: variables whose values are strings (put numbers in "
        "quotes)",
    ),
    (
        "a quantity that is none",
        v1(resources={"requests": {"cpu": "fast"}}),
        "subsets.v1.resources.requests.cpu: 'fast' is not allowed; allowed: Kubernetes quantities as strings, "
        'such as "250m" or "128Mi"',
    ),
    (
        "a command as one string",
        v1(command="serve"),
        "subsets.v1.command: 'serve' is not allowed; allowed: a list of strings",
    ),
    (
        "a probe path without a slash",
        v1(probe={"path": "healthz"}),
        "subsets.v1.probe.path: 'healthz' is not allowed; allowed: a path, such as \"/healthz\"",
    ),
    (
        "no pod may be exchanged",
        v1(rollout={"maxSurge": 0}),
        "subsets.v1.rollout.maxSurge: 0 is not allowed; allowed: at least 1 next to maxUnavailable 0, or no pod "
        "could be exchanged",
    ),
    (
        "a grace shorter than the delay",
        v1(stop={"delaySeconds": 30}),
        "subsets.v1.stop.graceSeconds: 30 is not allowed; allowed: more than delaySeconds, which is 30",
    ),
    (
        "an unknown method",
        service_args(mirrorMatch={"methods": ["get"]}),
        f"mirrorMatch.methods: ['get'] is not allowed; allowed: {METHODS}",
    ),
    (
        "no method",
        service_args(mirrorMatch={"methods": []}),
        f"mirrorMatch.methods: [] is not allowed; allowed: {METHODS}",
    ),
    (
        "a gRPC shadow that would get nothing",
        service_args(protocol="grpc"),
        "mirrorMatch.methods: ['GET', 'HEAD', 'OPTIONS'] is not allowed; allowed: [\"*\"] or [\"POST\"] for "
        "protocol grpc, as every call is a POST and nothing would be copied. Ask for it only when the shadow may "
        "carry out what it is asked",
    ),
    (
        "a wait that is too long",
        service_args(settleSeconds=301),
        "settleSeconds: 301 is not allowed; allowed: a number from 0 to 300",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    with pytest.raises(InvalidArgsError) as refused:
        model.parse(args)
    assert refused.value.problems == (message,)


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(ValueError, match="nothing was changed") as refused:
        model.parse(service_args(port=0, protocol="tcp", hosts=[]))
    assert str(refused.value).splitlines() == [
        "mirrored service 'nginx': 3 problems, nothing was changed",
        "  protocol: 'tcp' is not allowed; allowed: http or http2 or grpc",
        "  port: 0 is not allowed; allowed: a whole number from 1 to 65535",
        f"  hosts: [] is not allowed; allowed: {HOSTS}",
    ]


def test_whole_numbers_that_arrive_as_floats_become_whole_again() -> None:
    described = model.parse(v2(mirrorPercent=50.0, replicas=3.0))
    assert repr(described.shadows[0].mirror_percent) == "50"
    assert repr(described.shadows[0].replicas) == "3"


@pytest.mark.parametrize(
    ("percent", "shares"),
    [
        (0.0001, [0.0001]),
        (50, [50]),
        (100, [100]),
        (100.5, [100, 0.5]),
        (250, [100, 100, 50]),
        (1000, [100] * 10),
        (100.00001, [100]),
    ],
)
def test_a_percentage_is_split_into_mirrors_of_at_most_100(percent: float, shares: list[float]) -> None:
    assert model.parse(v2(mirrorPercent=percent)).shadows[0].mirror_shares() == shares


def test_a_limit_alone_leaves_the_request_to_kubernetes() -> None:
    limited = model.parse(v1(resources={"limits": {"memory": "64Mi"}})).main
    assert dict(limited.requests) == {"cpu": "100m"}


def test_a_gateway_port_other_than_80_is_in_the_url() -> None:
    hosts = ["shop.example.org", "*.example.org"]
    assert model.parse(service_args(hosts=hosts)).urls() == ["http://shop.example.org/"]
    assert model.parse(service_args(hosts=hosts, gateway={"port": 8080})).urls() == [
        "http://shop.example.org:8080/"
    ]
    assert model.parse(service_args(hosts=hosts, gateway={"existing": "a/b"})).urls() == []
