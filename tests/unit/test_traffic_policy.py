"""trafficPolicy: Istio's, for live requests; of it copies have what says how pods must be spoken to."""

from typing import Any

import pytest

from mirrored_service import warnings
from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import subset as versions
from tests.refusals import NOT, problems
from tests.services import service_args

STICKY = {"loadBalancer": {"consistentHash": {"httpCookie": {"name": "session", "ttl": "0s"}}}}
EJECTS = {"outlierDetection": {"consecutive5xxErrors": 5}}
LIMITED = {"connectionPool": {"tcp": {"maxConnections": 10}, "http": {"http2MaxRequests": 10}}}
EVERYTHING = {**STICKY, **EJECTS, **LIMITED}


def service(policy: Any, **changes: Any) -> Service:
    return parse(service_args(trafficPolicy=policy, **changes))


def policies(described: Service, version: str = "v2") -> dict[str, Any]:
    """The policies of a version's subsets by their names."""
    subset = next(subset for subset in described.subsets if subset.name == version)
    rule = versions.destination_rule(described, subset)
    assert set(rule["spec"]) == {"host", "subsets"}
    return {made["name"]: made.get("trafficPolicy") for made in rule["spec"]["subsets"]}


def copies_alone(version: str = "v2") -> Any:
    return policies(parse(service_args()), version)["v2-copies"]


@pytest.mark.parametrize("role", [{"weight": 40}, {"mirrorPercent": 100}, {}])
def test_a_version_has_the_policy_in_every_role_so_that_a_promotion_changes_nothing_of_it(role: Any) -> None:
    v1 = {"image": "shop:1", "weight": 100 - role.get("weight", 0)}
    described = service(EVERYTHING, subsets={"v1": v1, "v2": {"image": "shop:2", **role}})
    assert policies(described)["v2"] == EVERYTHING
    assert policies(described, "v1") == {"v1": EVERYTHING}


def test_copies_keep_their_own_limits_and_get_nothing_of_balancing_sessions_or_ejection() -> None:
    assert policies(service(EVERYTHING))["v2-copies"] == copies_alone()


@pytest.mark.parametrize("policy", [None, {}])
def test_without_a_policy_nothing_is_said_of_live_requests(policy: Any) -> None:
    assert policies(service(policy)) == {"v2": None, "v2-copies": copies_alone()}


def test_copies_speak_to_pods_with_the_tls_of_live_requests() -> None:
    tls = {"mode": "DISABLE"}
    assert policies(service({"tls": tls, **EJECTS}))["v2-copies"] == {**copies_alone(), "tls": tls}


def test_a_port_with_tls_of_its_own_has_the_limits_of_copies_too() -> None:
    tls = {"mode": "DISABLE"}
    port = {"port": {"number": 80}, "tls": tls, **LIMITED}
    found = policies(service({"portLevelSettings": [port]}))
    limits = copies_alone()
    assert found["v2"] == {"portLevelSettings": [port]}
    assert found["v2-copies"] == {
        **limits,
        "portLevelSettings": [{"port": {"number": 80}, **limits, "tls": tls}],
    }


def test_a_port_without_tls_of_its_own_has_none_for_copies_either_as_it_inherits_nothing() -> None:
    tls, port = {"mode": "DISABLE"}, {"port": {"number": 80}, **LIMITED}
    found = policies(service({"tls": tls, "portLevelSettings": [port]}))["v2-copies"]
    limits = copies_alone()
    assert found == {**limits, "tls": tls, "portLevelSettings": [{"port": {"number": 80}, **limits}]}


@pytest.mark.parametrize("mode", ["SIMPLE", "MUTUAL"])
def test_copies_do_not_become_http_2_for_an_app_that_ends_tls_itself(mode: str) -> None:
    limits = policies(service({"tls": {"mode": mode}}))["v2-copies"]["connectionPool"]
    assert "h2UpgradePolicy" not in limits["http"]
    assert copies_alone()["connectionPool"]["http"]["h2UpgradePolicy"] == "UPGRADE"


REFUSED: list[tuple[str, Any, str]] = [
    ("no mapping", "sticky", f"trafficPolicy: a string {NOT} Istio's TrafficPolicy"),
    (
        "a misspelt field",
        {"outlierDetecton": {}},
        "trafficPolicy.outlierDetecton: unknown, did you mean outlierDetection?",
    ),
    (
        "a wrong type deep in it",
        {"loadBalancer": {"consistentHash": {"httpHeaderName": 5}}},
        f"trafficPolicy.loadBalancer.consistentHash.httpHeaderName: a number {NOT} a string",
    ),
    (
        "a tunnel",
        {"tunnel": {"targetHost": "a.example", "targetPort": 80}},
        f"trafficPolicy.tunnel: a mapping {NOT} no tunnel, as Istio has none for HTTP and the versions are in "
        "the mesh",
    ),
    (
        "the PROXY protocol",
        {"proxyProtocol": {"version": "V2"}},
        f"trafficPolicy.proxyProtocol: a mapping {NOT} no PROXY protocol, as sidecars do not understand it and "
        "every live request would fail",
    ),
    (
        "no balancing",
        {"loadBalancer": {"simple": "PASSTHROUGH"}},
        f"trafficPolicy.loadBalancer.simple: 'PASSTHROUGH' {NOT} another one, as this one asks whatever address "
        "a caller asked, at the gateway its own, and no version",
    ),
    (
        "no balancing for a port",
        {"portLevelSettings": [{"port": {"number": 80}, "loadBalancer": {"simple": "PASSTHROUGH"}}]},
        "trafficPolicy.portLevelSettings[0].loadBalancer.simple: 'PASSTHROUGH' is not allowed",
    ),
    (
        "a port that the service does not have",
        {"portLevelSettings": [{"port": {"number": 81}}]},
        f"trafficPolicy.portLevelSettings[0].port.number: 81 {NOT} a port of the service that is routed: 80",
    ),
    (
        "settings without a port",
        {"portLevelSettings": [{}]},
        f"trafficPolicy.portLevelSettings[0].port.number: null {NOT} a port of the service that is routed: 80",
    ),
    (
        "a port twice",
        {"portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 80}}]},
        f"trafficPolicy.portLevelSettings[1].port.number: 80 {NOT} each port once",
    ),
]


@pytest.mark.parametrize(
    ("policy", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_cannot_be_or_would_break_every_live_request_is_refused(policy: Any, line: str) -> None:
    (found,) = problems(service_args(trafficPolicy=policy))
    assert found.startswith(line)


def test_all_of_a_policys_problems_are_told_at_once() -> None:
    wrong = {"tunnel": {}, "tls": {"mode": "SIMPEL"}, "conectionPool": {}}
    assert [line.split(":")[0] for line in problems(service_args(trafficPolicy=wrong))] == [
        "trafficPolicy.tunnel",
        "trafficPolicy.tls.mode",
        "trafficPolicy.conectionPool",
    ]


def said(policy: Any, **changes: Any) -> list[str]:
    lines = warnings.of(service(policy, **changes))
    return [line for line in lines if line.startswith("trafficPolicy")]


@pytest.mark.parametrize(
    ("mode", "needed"),
    [("DISABLE", "mutual TLS"), ("SIMPLE", "must answer TLS itself"), ("MUTUAL", "take the certificate")],
)
def test_a_tls_mode_that_pods_may_not_understand_is_warned_of(mode: str, needed: str) -> None:
    (line,) = said({"tls": {"mode": mode}})
    assert line.startswith(f"trafficPolicy.tls.mode: with {mode} ")
    assert needed in line
    (line,) = said({"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": mode}}]})
    assert line.startswith("trafficPolicy.portLevelSettings[0].tls.mode: ")


def test_the_meshs_own_tls_is_warned_of_only_where_pods_may_have_no_sidecar() -> None:
    mutual = {"tls": {"mode": "ISTIO_MUTUAL"}}
    assert said(mutual) == []
    (line,) = said(mutual, createNamespace=False)
    assert "every pod needs a sidecar" in line
    assert said(EVERYTHING, createNamespace=False) == []
