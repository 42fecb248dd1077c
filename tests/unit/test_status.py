"""What `status` says of versions, pods, copies and whatever waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mirrored_service.commands import kubectl, stack
from mirrored_service.commands.command_line import main
from mirrored_service.commands.doctor.subject import in_cluster
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.status import command
from mirrored_service.commands.status.counting import Reading, between, missed
from mirrored_service.commands.status.report import age
from mirrored_service.commands.status.roles import Role, copied_methods, roles
from mirrored_service.commands.status.waiting import waiting
from tests.cluster import NAME, NAMESPACE, Cluster, Object, pod

SUBSETS: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 90, "replicas": 2},
    "v2": {"image": "shop:2", "mirrorPercent": 250},
    "v3": {"image": "shop:3", "weight": 10},
    "v4": {"image": "shop:4"},
}


def roles_of(cluster: Cluster) -> list[Role]:
    return roles(
        in_cluster(NAME, NAMESPACE, cluster.objects), [o for o in cluster.objects if o["kind"] == "Pod"]
    )


def test_what_a_version_is_the_routes_in_the_cluster_say() -> None:
    found = roles_of(Cluster(subsets=SUBSETS))
    assert [(role.version, role.name, role.weight, role.percent) for role in found] == [
        ("v1", "live", 90, 0),
        ("v3", "live", 10, 0),
        ("v2", "shadow", 0, 250),
        ("v4", "idle", 0, 0),
    ]


def test_pods_are_counted_and_those_that_end_are_not() -> None:
    cluster = Cluster(subsets=SUBSETS)
    labels = {"app": NAME, "version": "v1"}
    cluster.add(pod("unready", labels, ready=False), pod("ending", labels))
    cluster.find("Pod", "ending")["metadata"]["deletionTimestamp"] = "2026-03-01T00:00:00Z"
    found = {role.version: (role.ready, role.wanted, len(role.pods)) for role in roles_of(cluster)}
    assert found == {"v1": (2, 2, 3), "v2": (1, 1, 1), "v3": (0, 1, 0), "v4": (0, 1, 0)}


def test_routes_of_any_shape_are_read() -> None:
    cluster = Cluster()
    for name in ("shop-vs", "shop-mesh"):
        cluster.find("VirtualService", name)["spec"]["http"] = [
            {"redirect": {"uri": "/"}},
            {
                "route": [{"destination": {"host": "x", "subset": "v2"}}],
                "mirrors": [{"destination": {"subset": "v1"}}],
            },
            "none",
            {"route": None, "mirrors": "none"},
        ]
    found = {role.version: (role.weight, role.percent) for role in roles_of(cluster)}
    assert found == {"v1": (0, 100), "v2": (100, 0)}


@pytest.mark.parametrize(
    ("match", "methods"),
    [({}, ["GET", "HEAD", "OPTIONS"]), ({"methods": ["*"]}, []), ({"methods": ["*"], "paths": ["/a"]}, [])],
)
def test_the_methods_of_copied_requests_are_told(match: Object, methods: list[str]) -> None:
    cluster = Cluster(mirrorMatch=match)
    assert copied_methods(in_cluster(NAME, NAMESPACE, cluster.objects)) == methods


def counted(first: dict[str, int], last: dict[str, int]) -> Any:
    return between(Reading(1.0, first, {}), Reading(6.0, last, {}), roles_of(Cluster()))


def test_requests_are_counted_between_two_readings_of_each_pod() -> None:
    found = counted({"shop-v1-a": 100, "shop-v1-b": 7}, {"shop-v1-a": 150, "shop-v1-b": 5, "shop-v2-a": 3})
    assert (found.seconds, dict(found.requests)) == (5.0, {"v1": 55})


@pytest.mark.parametrize(
    ("live", "copies", "none", "unclear"),
    [
        (1000, 90, [], 0),
        (1000, 0, ["v2"], 0),
        (90, 0, [], 1),
        (0, 0, [], 2),
        (0, 5, [], 1),
    ],
)
def test_a_version_gets_nothing_only_where_that_is_no_accident(
    live: int, copies: int, none: list[str], unclear: int
) -> None:
    found = missed(
        roles_of(Cluster()),
        counted({"shop-v1-a": 0, "shop-v2-a": 0}, {"shop-v1-a": live, "shop-v2-a": copies}),
    )
    assert (found[0], len(found[1])) == (none, unclear)


def test_a_version_whose_proxies_do_not_tell_is_not_said_to_get_something() -> None:
    none, unclear = missed(roles_of(Cluster()), counted({"shop-v1-a": 0}, {"shop-v1-a": 1000}))
    assert (none, unclear) == ([], ["v2: no proxy of its pods tells what it got"])


def waits(cluster: Cluster, *events: Object) -> list[str]:
    return waiting(roles_of(cluster), events)


def test_of_ready_pods_nothing_is_said() -> None:
    assert waits(Cluster()) == []


def test_a_pod_that_crashes_says_how_it_ended() -> None:
    cluster = Cluster()
    cluster.find("Pod", "shop-v2-a")["status"] = {
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "shop",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 3}},
            }
        ],
    }
    assert waits(cluster) == ["shop-v2-a: container shop: CrashLoopBackOff, exit status 3"]


def test_a_pod_that_finds_no_node_says_what_the_scheduler_says() -> None:
    cluster = Cluster()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no\ncpu"}
    cluster.find("Pod", "shop-v2-a")["status"] = {"conditions": [condition]}
    assert waits(cluster) == ["shop-v2-a: Unschedulable: no cpu"]


def test_the_newest_warning_about_a_pod_is_told() -> None:
    cluster = Cluster()
    cluster.find("Pod", "shop-v2-a")["status"] = {"conditions": []}
    about = {"involvedObject": {"name": "shop-v2-a"}, "type": "Warning"}
    old = {**about, "reason": "Unhealthy", "message": "503", "lastTimestamp": "2026-03-01T00:00:00Z"}
    new = {**about, "reason": "FailedMount", "message": "no secret", "lastTimestamp": "2026-03-01T00:00:01Z"}
    assert waits(cluster, new, old) == ["shop-v2-a: FailedMount: no secret"]
    assert waits(cluster, {**new, "involvedObject": {"name": "other"}}) == ["shop-v2-a: not ready yet"]


def test_pods_that_are_not_made_are_missed() -> None:
    cluster = Cluster()
    cluster.remove("Pod", "shop-v1-b")
    assert waits(cluster) == ["v1: 1 of 2 pods are not made yet"]


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        ("2026-03-01T12:00:00.000Z", "60 s ago"),
        ("2026-03-01T11:00:00.000Z", "61 min ago"),
        ("2026-03-01T00:01:00.000Z", "12 h ago"),
        ("2026-02-20T12:01:00.000Z", "9 days ago"),
        ("?", "at ?"),
    ],
)
def test_the_age_of_the_last_up_is_told(begun: str, told: str) -> None:
    assert age(begun, datetime(2026, 3, 1, 12, 1, tzinfo=UTC)) == told


class Proxies:
    """A cluster whose pods' proxies count so many more requests at each reading."""

    def __init__(self, cluster: Cluster, **more: int) -> None:
        self.cluster, self.more, self.readings = cluster, more, 0
        self.broken: set[str] = set()

    def run(self, *command: str, given: str | None = None) -> str:
        verb, *names = [word for word in command[1:] if not word.startswith("--")]
        if verb != "exec":
            return self.cluster.run(*command, given=given)
        name = names[0]
        if name in self.broken:
            raise CommandError(f"`kubectl exec`: forbidden: pods/exec of {name}")
        version = name.split("-")[1]
        self.readings += 1
        return f"inbound|80||::10.0.0.1:80::rq_total::{self.readings * self.more.get(version, 0)}\n"


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> Proxies:
    found = Proxies(Cluster(), v1=100, v2=20)
    monkeypatch.setattr(kubectl, "run", found.run)
    monkeypatch.setattr(command, "SECONDS", 0.01)
    monkeypatch.setattr(command, "EXPECT_SECONDS", 0.01)
    return found


def test_people_get_a_table(proxies: Proxies, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--service", "web/shop"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "service shop in namespace web"
    assert told[2].split("  ")[0] == "version"
    live, shadow = told[3].split(), told[4].split()
    assert live[:6] == ["v1", "live", "100", "%", "2", "of"]
    assert shadow[:4] == ["v2", "shadow", "10", "%"]
    assert shadow[-1] == "copied"
    assert told[5] == "Only GET, HEAD, OPTIONS requests are copied."


def test_programs_get_json(proxies: Proxies, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--service", "web/shop", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["version"], each["role"], each["podsReady"]) for each in found["versions"]] == [
        ("v1", "live", 2),
        ("v2", "shadow", 1),
    ]
    assert found["versions"][0]["percentOfLiveRequests"] == 100
    assert (found["copiedMethods"], found["waiting"], found["lastUp"]) == (
        ["GET", "HEAD", "OPTIONS"],
        [],
        None,
    )


def test_what_is_expected_and_comes_is_success(proxies: Proxies) -> None:
    assert main(["status", "--service", "web/shop", "--expect"]) == 0


def test_a_shadow_that_should_get_copies_and_gets_none_fails(
    proxies: Proxies, capsys: pytest.CaptureFixture[str]
) -> None:
    proxies.more["v2"] = 0
    assert main(["status", "--service", "web/shop", "--expect"]) == 1
    assert "GETS NOTHING: v2" in capsys.readouterr().out
    assert main(["status", "--service", "web/shop"]) == 0
    assert "GETS NOTHING" not in capsys.readouterr().out


def test_without_requests_that_cannot_be_told(proxies: Proxies, capsys: pytest.CaptureFixture[str]) -> None:
    proxies.more = {}
    assert main(["status", "--service", "web/shop", "--expect"]) == 2
    assert "CANNOT TELL: v1: of 0 live requests" in capsys.readouterr().out


def test_a_proxy_that_may_not_be_asked_is_said_to_be_unread(
    proxies: Proxies, capsys: pytest.CaptureFixture[str]
) -> None:
    proxies.broken = {"shop-v2-a"}
    assert main(["status", "--service", "web/shop", "--expect"]) == 2
    told = capsys.readouterr().out
    assert "NOT COUNTED at shop-v2-a: `kubectl exec`: forbidden: pods/exec of shop-v2-a" in told
    assert "CANNOT TELL: v2: no proxy of its pods tells what it got" in told


def test_a_service_that_is_not_there_has_no_status(
    proxies: Proxies, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--service", "web/other"]) == 2
    assert "there is no mirrored service other in the namespace web" in capsys.readouterr().err


def test_of_a_stack_the_last_up_is_told_and_its_cluster_is_asked(
    proxies: Proxies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: mirrored-service\n")
    config = {"mirrored-service:name": {"value": NAME}, "mirrored-service:namespace": {"value": NAMESPACE}}
    config["kubernetes:context"] = {"value": "prod"}
    history = [
        {"kind": "refresh", "result": "succeeded"},
        {"kind": "update", "result": "failed", "startTime": "?"},
    ]

    def pulumi(*line: str) -> str:
        return json.dumps(history if "history" in line else config)

    monkeypatch.setattr(stack, "run", pulumi)
    assert main(["status", "--stack", "prod", "--cwd", str(tmp_path)]) == 0
    assert "Last `up`: failed, at ?" in capsys.readouterr().out
    assert all("--context=prod" in line for line in proxies.cluster.commands)


def test_watching_goes_on_until_it_is_interrupted(
    proxies: Proxies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = proxies.run
    left = [40]

    def run(*line: str, given: str | None = None) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return asked(*line, given=given)

    monkeypatch.setattr(kubectl, "run", run)
    assert main(["status", "--service", "web/shop", "--watch", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2
