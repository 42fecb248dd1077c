"""What is refused of a version's surroundings, limits and isolation, in which words."""

from typing import Any

import pytest

from tests.refusals import LABEL, MAPPING, NOT, V1, problems, v1, v2
from tests.services import service_args

LABEL_VALUE = "the value of a Kubernetes label, at most 63 characters"
ACCOUNT = "subsets.v2.podTemplate.spec.serviceAccountName"
MILLION = "a whole number from 1 to 1000000"
HOSTS = (
    'a list of hosts as the mesh knows them, such as "db.shop.svc.cluster.local" or '
    '"*.shop.svc.cluster.local", each once; [] for none'
)
RANGES = 'a list of address ranges, such as "10.20.0.0/16", each once'
WORKLOAD = "labels of the workload's pods, at least one"


def isolated(**properties: Any) -> Any:
    return v2(shadowIsolation={"mayReach": [], **properties})


def protecting(workload: Any) -> Any:
    return isolated(protects={"db": workload})


def runs_as(account: str) -> dict[str, Any]:
    return {"podTemplate": {"spec": {"serviceAccountName": account}}}


def with_account(live: Any, shadow: Any) -> Any:
    """A live version and one that is isolated from a workload, each with these properties."""
    isolation = {"mayReach": [], "protects": {"db": {"labels": {"app": "db"}}}}
    return service_args({"v1": {**V1, **live}, "v2": {"image": "a", "shadowIsolation": isolation, **shadow}})


REFUSED: list[tuple[str, Any, str]] = [
    (
        "privileged pods",
        v1(podSecurity="privileged"),
        f"subsets.v1.podSecurity: 'privileged' {NOT} baseline or restricted or image",
    ),
    *(
        (f"no {limit}", v1(mirrorLimits={limit: 0}), f"subsets.v1.mirrorLimits.{limit}: 0 {NOT} {MILLION}")
        for limit in ("connections", "pendingRequests", "requests", "requestsPerConnection")
    ),
    (
        "copies over HTTP/2 as text",
        v1(mirrorLimits={"http2": "yes"}),
        f"subsets.v1.mirrorLimits.http2: 'yes' {NOT} true or false",
    ),
    (
        "limits as a number",
        v1(mirrorLimits=1024),
        f"subsets.v1.mirrorLimits: a number {NOT} {MAPPING}",
    ),
    (
        "pods left out by true",
        v1(mirrorLimits={"outlierDetection": True}),
        f"subsets.v1.mirrorLimits.outlierDetection: a boolean {NOT} {MAPPING}",
    ),
    *(
        (
            f"pods left out after 0 {limit}",
            v1(mirrorLimits={"outlierDetection": {limit: 0}}),
            f"subsets.v1.mirrorLimits.outlierDetection.{limit}: 0 {NOT} a whole number from 1 to {most}",
        )
        for limit, most in [
            ("consecutiveErrors", 1_000_000),
            ("intervalSeconds", 86_400),
            ("ejectionSeconds", 86_400),
            ("maxEjectionPercent", 100),
        ]
    ),
    (
        "isolation that is switched on",
        v2(shadowIsolation=True),
        f"subsets.v2.shadowIsolation: a boolean {NOT} {MAPPING}",
    ),
    (
        "isolation that does not say from what",
        v2(shadowIsolation={}),
        f"subsets.v2.shadowIsolation.mayReach: missing; allowed: {HOSTS}",
    ),
    *(
        (
            f"a host that is {what}",
            isolated(mayReach=[host]),
            f"subsets.v2.shadowIsolation.mayReach[0]: {host!r} {NOT} {HOSTS}",
        )
        for what, host in [
            ("every host", "*"),
            ("not a full name", "db"),
            ("an address", "10.0.0.1"),
            ("one of Istio's spelling", "shop/db.shop.svc.cluster.local"),
            ("with a port", "db.example.org:5432"),
        ]
    ),
    (
        "a host twice",
        isolated(mayReach=["a.example", "a.example"]),
        f"subsets.v2.shadowIsolation.mayReach[1]: 'a.example' {NOT} {HOSTS}",
    ),
    (
        "workloads as a list",
        isolated(protects=[{"labels": {"app": "db"}}]),
        f"subsets.v2.shadowIsolation.protects: a list {NOT} workloads by a name",
    ),
    (
        "a workload's name that is no label",
        isolated(protects={"shop.db": {"labels": {"app": "db"}}}),
        f"subsets.v2.shadowIsolation.protects: the name 'shop.db' {NOT} {LABEL}",
    ),
    (
        "a workload without labels",
        protecting({"namespace": "data"}),
        f"subsets.v2.shadowIsolation.protects.db.labels: null {NOT} {WORKLOAD}",
    ),
    (
        "a workload that is a whole namespace",
        protecting({"labels": {}}),
        f"subsets.v2.shadowIsolation.protects.db.labels: an empty mapping {NOT} {WORKLOAD}",
    ),
    (
        "a workload's label with a wildcard",
        protecting({"labels": {"app": "*"}}),
        f"subsets.v2.shadowIsolation.protects.db.labels.app: '*' {NOT} {LABEL_VALUE}",
    ),
    (
        "a workload's namespace that is no label",
        protecting({"labels": {"app": "db"}, "namespace": "a/b"}),
        f"subsets.v2.shadowIsolation.protects.db.namespace: 'a/b' {NOT} {LABEL}",
    ),
    (
        "pods as a mapping",
        isolated(networkPolicy={"pods": {"db": {"labels": {"app": "db"}}}}),
        f"subsets.v2.shadowIsolation.networkPolicy.pods: a mapping {NOT} a list of workloads",
    ),
    (
        "pods without labels",
        isolated(networkPolicy={"pods": [{}]}),
        f"subsets.v2.shadowIsolation.networkPolicy.pods[0].labels: null {NOT} {WORKLOAD}",
    ),
    *(
        (
            f"a range that is {what}",
            isolated(networkPolicy={"cidrs": [cidr]}),
            f"subsets.v2.shadowIsolation.networkPolicy.cidrs[0]: {cidr!r} {NOT} {RANGES}",
        )
        for what, cidr in [
            ("an address", "10.0.0.1"),
            ("an address within a range", "10.0.0.1/8"),
            ("too long", "10.0.0.0/33"),
            ("a name", "db.example.org"),
        ]
    ),
    (
        "an account that the live version has as well",
        with_account(runs_as("shop"), runs_as("shop")),
        f"{ACCOUNT}: 'shop' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
    (
        "the account that the live version has because none is named",
        with_account({}, runs_as("default")),
        f"{ACCOUNT}: 'default' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
    (
        "a live version with the account that is made for the isolated one",
        with_account(runs_as("nginx-v2"), {}),
        f"{ACCOUNT}: 'nginx-v2' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)
