"""The kill switch: what it takes out of routes, how it counts copies, what it says when something is amiss."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import mirrored_service
from mirrored_service.commands.kill_switch import cluster as kubernetes
from mirrored_service.commands.kill_switch import command as switch
from mirrored_service.commands.kill_switch import routes
from mirrored_service.commands.kill_switch import stack as pulumi
from mirrored_service.commands.kill_switch.arrivals import Arrivals, requests_passed_on
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kill_switch.report import Report
from mirrored_service.description.subset import COPIES
from mirrored_service.reading.service import parse
from mirrored_service.rendering.routes import ingress_virtual_service, mesh_virtual_service
from tests.services import service_args

SUBSETS: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 100},
    "v2": {"image": "shop:2", "mirrorPercent": 250},
    "v3": {"image": "shop:3", "mirrorPercent": 0.5},
}
OFF = {
    name: {"image": subset["image"], "weight": subset.get("weight", 0)} for name, subset in SUBSETS.items()
}


def routes_of(subsets: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """The routes that the component makes."""
    rendered = ingress_virtual_service(parse(service_args(subsets, **changes)))
    found: list[dict[str, Any]] = rendered["spec"]["http"]
    return found


@pytest.mark.parametrize(
    "match",
    [
        {"methods": ["GET", "HEAD"]},
        {"methods": ["*"]},
        {"methods": ["POST"], "paths": ["/a", "/b/*"], "headers": {"x-debug": "1"}, "maxBodyBytes": 1000},
    ],
)
def test_routes_without_copies_are_those_that_up_makes_of_percentages_of_0(match: dict[str, Any]) -> None:
    on, off = (routes_of(subsets, mirrorMatch=match) for subsets in (SUBSETS, OFF))
    assert routes.without_copies(on) == off
    assert routes.copied_to(routes.without_copies(on)) == []


OWN_ROUTES: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/a/b"}}, {"uri": {"prefix": "/c"}}], "timeout": "3s"},
    {"match": [{"uri": {"prefix": "/b/"}, "headers": {"x-debug": {}}}], "mirror": False},
    {"match": [{"uri": {"exact": "/a"}, "method": {"prefix": "P"}}], "rewrite": {"uri": "/"}},
    {"match": [{"uri": {"prefix": "/d"}, "method": {"regex": "GET|POST"}}]},
    {"match": [{"uri": {"prefix": "/e"}}], "directResponse": {"status": 503}},
    {"timeout": "10s"},
]


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"methods": ["*"]},
        {"methods": ["*"], "headers": {"x-debug": "1"}},
        {"methods": ["POST", "GET"], "paths": ["/a/*", "/a", "/b/c"], "maxBodyBytes": 1000},
    ],
)
def test_own_routes_without_copies_are_those_that_up_makes_of_percentages_of_0(match: dict[str, Any]) -> None:
    on, off = (routes_of(each, mirrorMatch=match, routes=OWN_ROUTES) for each in (SUBSETS, OFF))
    assert on != off
    assert routes.without_copies(on) == off


def test_a_route_that_another_one_would_not_stand_for_is_left_without_copies() -> None:
    live = [{"destination": {"host": "shop"}}]
    copied = {"match": [{"uri": {"prefix": "/a"}}], "route": live, "mirrors": []}
    for other in (
        {"match": [{"uri": {"prefix": "/b"}}], "route": live},
        {"match": [{"uri": {"prefix": "/a"}, "method": {"exact": "GET"}}], "route": live},
        {"route": live, "timeout": "3s"},
    ):
        assert routes.without_copies([copied, other]) == [{"match": copied["match"], "route": live}, other]


def test_a_match_of_which_everything_was_copied_stays() -> None:
    gets: Any = {"uri": {"prefix": "/a"}, "method": {"exact": "GET"}}
    own = [{"match": [gets, {"uri": {"prefix": "/b"}}]}]
    on = routes_of(SUBSETS, mirrorMatch={"methods": ["GET"]}, routes=own)
    left = routes.without_copies(on)
    assert routes.copied_to(left) == []
    assert [match for route in left for match in route["match"]] == [
        match for route in on for match in route["match"]
    ]


def test_routes_that_differ_in_more_than_copies_stay_apart() -> None:
    answered_by_v3 = {"match": [{"headers": {"x-try": {"exact": "v3"}}}], "route": [{"destination": "v3"}]}
    on = [answered_by_v3, *routes_of(SUBSETS)]
    assert routes.without_copies(on) == [answered_by_v3, *routes_of(OFF)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mirrorMatch": {"methods": ["*"]}},
        {"mirrorMatch": {"paths": ["/a", "/b"], "headers": {"x-a": "1"}}},
        {"routes": [{"match": [{"uri": {"prefix": "/cart/"}}], "timeout": "3s"}, {"mirror": False}]},
        {
            "routes": [
                {"match": [{"method": {"exact": "GET"}}], "headers": {"request": {"remove": ["a"]}}},
                {},
            ]
        },
    ],
)
def test_http_routes_without_copies_are_those_that_up_makes_of_percentages_of_0(
    settings: dict[str, Any],
) -> None:
    def rules_of(subsets: dict[str, Any]) -> list[dict[str, Any]]:
        made = mirrored_service.render(service_args(subsets, api="gateway", **settings))
        return next(routes.listed(each) for each in made if each["kind"] == "HTTPRoute")

    on = rules_of(SUBSETS)
    assert routes.without_copies(on) == rules_of(OFF)
    targets = routes.copied_to(on)
    assert targets == [("nginx-v2-copies", ""), ("nginx-v3-copies", "")]
    assert routes.versions("nginx", targets) == {"v2", "v3"}


def test_a_mirror_of_the_old_spelling_is_found_and_taken_out_too() -> None:
    old = [{"route": [], "mirror": {"host": "shop"}, "mirrorPercentage": {"value": 5}}]
    assert routes.copied_to(old) == [("shop", "")]
    assert routes.without_copies(old) == [{"route": []}]


def test_every_target_of_copies_is_found_once() -> None:
    host = "nginx-versions.istio-project.svc.cluster.local"
    assert routes.copied_to(routes_of(SUBSETS)) == [(host, "v2-copies"), (host, "v3-copies")]


def test_the_names_are_those_that_the_component_gives() -> None:
    service = parse(service_args())
    rendered = [ingress_virtual_service(service), mesh_virtual_service(service)]
    assert list(routes.names(service.name)) == [manifest["metadata"]["name"] for manifest in rendered]
    assert routes.COPIES == COPIES


CLUSTERS = """\
inbound|80||::default_priority::max_requests::4294967295
inbound|80||::10.244.0.6:80::rq_success::97
inbound|80||::10.244.0.6:80::rq_total::100
inbound|8443||::10.244.0.6:8443::rq_total::7
outbound|80|v1|shop.shop.svc.cluster.local::10.244.0.7:80::rq_total::3
"""


def test_what_a_proxy_passed_on_to_its_pod_is_counted_and_nothing_else() -> None:
    assert requests_passed_on(CLUSTERS) == 107
    assert requests_passed_on("") == 0


def test_the_last_copy_is_the_latest_reading_with_another_count_than_the_one_before() -> None:
    arrivals = Arrivals()
    for at, count in enumerate([5, 6, 9, 9, 9]):
        arrivals.read("a", count, at)
    assert arrivals.last == 2
    arrivals.read("b", 0, 7)
    assert arrivals.last == 2
    assert arrivals.proxies == ["a", "b"]


def test_whatever_the_first_reading_counts_came_before_it() -> None:
    arrivals = Arrivals()
    arrivals.read("a", 5, 1.5)
    arrivals.read("a", 5, 2.5)
    assert arrivals.last == 1.5


def test_a_proxy_that_forgot_its_count_got_nothing_until_it_counts_again() -> None:
    arrivals = Arrivals()
    for at, count in enumerate([5, 0, 0]):
        arrivals.read("a", count, at)
    assert arrivals.last == 0
    arrivals.read("a", 2, 9)
    assert arrivals.last == 9


def report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "stack": "prod",
        "service": "shop",
        "namespace": "web",
        "percentages": {"v2": 250, "v3": 0.5},
        "cut": ("shop-vs", "shop-mesh"),
        "routes_changed": 1.04,
        "last_copy": 1.51,
        "proxies": ("shop-v2-1",),
        "unread": {},
        "problems": (),
    }
    return Report(**{**values, **changes})


def test_the_report_says_what_was_when_it_ended_and_how_to_copy_again() -> None:
    assert report().as_text().splitlines() == [
        "service shop in namespace web, stack prod",
        "v2: 250 % before, 0 % now",
        "v3: 0.5 % before, 0 % now",
        "routes changed 1.0 s after the command began: shop-vs, shop-mesh",
        "last copy 1.5 s after the command began, 0.5 s after the routes changed "
        "(counted by the proxies of shop-v2-1)",
        "",
        "Pulumi.prod.yaml says 0 now. Commit it: a pipeline that runs `pulumi up` with the old file",
        "copies again. To copy again yourself:",
        "  pulumi config set-all --stack prod --path --plaintext subsets.v2.mirrorPercent=250 "
        "--plaintext subsets.v3.mirrorPercent=0.5",
        "  pulumi up --stack prod",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"last_copy": None}, "no copy arrived (counted by the proxies of shop-v2-1)"),
        ({"last_copy": 0.9}, "last copy 0.9 s after the command began, before the routes changed"),
        (
            {"last_copy": None, "proxies": ()},
            "no pod of a shadow that counts copies was found; pods that others run are not looked for",
        ),
        (
            {"last_copy": None, "proxies": (), "unread": {"shop-v2-1": "forbidden"}},
            "when the last copy arrived was not measured\nNOT MEASURED at shop-v2-1: forbidden",
        ),
        ({"cut": ()}, "no route copied anything"),
        ({"problems": ("shop-vs copies again",)}, "PROBLEM: shop-vs copies again"),
    ],
)
def test_the_report_says_what_is_not_as_usual(changes: dict[str, Any], line: str) -> None:
    assert line in report(**changes).as_text()


def test_nothing_is_said_about_copying_again_where_the_config_copied_nothing() -> None:
    assert "copy again" not in report(percentages={}, cut=()).as_text()


def test_programs_get_the_same_as_json() -> None:
    found = json.loads(report().as_json())
    assert found["percentages"] == {"v2": 250, "v3": 0.5}
    assert (found["routes_changed"], found["last_copy"], found["problems"]) == (1.04, 1.51, [])


class Fake:
    """`pulumi` and `kubectl`, for a stack whose v2 gets copies."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}  # by the first words of a command: what it fails with
        self.commands: list[str] = []
        self.config: dict[str, Any] = {
            "web:name": "shop",
            "web:namespace": "web",
            "web:subsets": json.dumps(SUBSETS),
        }
        self.http = routes_of(SUBSETS)
        self.by_istio = True

    def run(self, *command: str) -> str:
        self.commands.append(" ".join(command))
        words = [word for word in command if not word.startswith(("--namespace=", "--context="))]
        line = " ".join(words)
        for begin, complaint in self.broken.items():
            if line.startswith(begin):
                raise CommandError(complaint)
        if line.startswith("pulumi config --json"):
            return json.dumps({key: {"value": value} for key, value in self.config.items()})
        if line.startswith("pulumi config get web:subsets"):
            return json.dumps(SUBSETS) + "\n"
        if line.startswith("kubectl patch"):
            test, replace = next(
                json.loads(word.removeprefix("--patch=")) for word in words if "--patch=" in word
            )
            if test["value"] != self.http:
                raise CommandError("the test of the patch failed")
            self.http = replace["value"]
        if line.startswith("kubectl get virtual") and not self.by_istio:
            return ""
        if line.startswith("kubectl get virtual"):
            found = self.virtual_service()
            return json.dumps({"items": [found]} if "--ignore-not-found" in words else found)
        if line.startswith("kubectl get pods"):
            return json.dumps({"items": [running("shop-v2-1"), {"metadata": {"name": "no-proxy"}}]})
        return "inbound|80||::10.0.0.1:80::rq_total::5\n" if line.startswith("kubectl exec") else ""

    def virtual_service(self) -> dict[str, Any]:
        metadata = {"name": "shop-vs", "resourceVersion": "7"}
        return {"kind": "VirtualService", "metadata": metadata, "spec": {"http": self.http}}


def running(pod: str) -> dict[str, Any]:
    proxy = {"name": "istio-proxy", "state": {"running": {}}}
    return {"metadata": {"name": pod}, "status": {"initContainerStatuses": [proxy]}}


Pull = Callable[..., int]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    monkeypatch.setattr(kubernetes, "run", fake.run)
    monkeypatch.setattr(pulumi, "run", fake.run)
    return fake


@pytest.fixture
def pull(monkeypatch: pytest.MonkeyPatch) -> Pull:
    """Pulls the switch; returns its exit status."""

    def pull(*options: str) -> int:
        monkeypatch.setattr("sys.argv", ["kill_switch", "--stack", "prod", "--quiet-seconds", "0", *options])
        return switch.main()

    return pull


def test_the_routes_are_cut_before_the_config_is_changed(fake: Fake, pull: Pull) -> None:
    assert pull() == 0
    assert routes.copied_to(fake.http) == []
    changes = [line for line in fake.commands if "patch" in line or "set-all" in line]
    assert "patch virtualservices.networking.istio.io/shop-vs" in changes[0]
    assert "--plaintext=subsets.v2.mirrorPercent=0 --plaintext=subsets.v3.mirrorPercent=0" in changes[1]


def test_copies_to_another_environment_are_stopped_too(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.config["web:mirrorTo"] = json.dumps({"stack": "acme/shop/staging", "percent": 10})
    assert pull() == 0
    (change,) = [line for line in fake.commands if "set-all" in line]
    assert "--plaintext=mirrorTo.percent=0" in change
    assert not [line for line in fake.commands if "get pods" in line and "mirrorTo" in line]
    printed = capsys.readouterr().out
    assert "mirrorTo: 10 % before, 0 % now" in printed
    assert "copies to the service of another environment are counted by nobody here" in printed
    assert "--plaintext mirrorTo.percent=10" in printed


def test_a_stack_that_copies_to_another_environment_alone_has_no_pods_to_watch(
    fake: Fake, pull: Pull
) -> None:
    fake.config["web:subsets"] = json.dumps({"v1": {"image": "shop:1", "weight": 100}})
    fake.config["web:mirrorTo"] = json.dumps({"stack": "acme/shop/staging", "percent": 10})
    fake.http = [{"route": [], "mirrors": [{"destination": {"host": "mirror-to.shop.web.internal"}}]}]
    assert pull() == 0
    assert routes.copied_to(fake.http) == []
    assert not [line for line in fake.commands if "get pods" in line]


def test_a_config_that_holds_a_secret_is_read_as_well(fake: Fake, pull: Pull) -> None:
    fake.config["web:subsets"] = None
    assert pull() == 0
    assert any("--plaintext=subsets.v2.mirrorPercent=0" in line for line in fake.commands)


def test_the_cluster_is_the_one_that_the_config_names(fake: Fake, pull: Pull) -> None:
    fake.config["kubernetes:context"] = "prod-eu"
    assert pull() == 0
    assert {"--context=prod-eu" in line for line in fake.commands if line.startswith("kubectl")} == {True}


def test_without_a_cluster_the_config_is_changed_and_the_way_on_is_said(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.broken["kubectl"] = "the cluster does not answer"
    assert pull() == 1
    assert capsys.readouterr().err == (
        "the cluster does not answer\n"
        "REQUESTS MAY STILL BE COPIED; the config says 0: run `pulumi up --stack prod`\n"
    )


def test_a_config_that_cannot_be_changed_is_a_problem_though_the_copies_stop(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.broken["pulumi config set-all"] = "read-only file system"
    assert pull() == 1
    assert routes.copied_to(fake.http) == []
    printed = capsys.readouterr().out
    assert "the next `pulumi up` copies again: read-only file system" in printed


def test_routes_that_copy_again_are_a_problem(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes.Cluster, "cut", lambda cluster, found: None)
    assert pull() == 1
    assert "PROBLEM: shop-vs copies again" in capsys.readouterr().out


def test_without_permission_to_measure_the_copies_stop_all_the_same(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.broken["kubectl exec"] = "forbidden: pods/exec"
    assert pull() == 0
    assert routes.copied_to(fake.http) == []
    assert "NOT MEASURED at shop-v2-1: forbidden: pods/exec" in capsys.readouterr().out


def test_the_service_of_another_program_is_stopped_without_pulumi(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kill_switch", "--service=web/shop", "--quiet-seconds=0"])
    assert switch.main() == 0
    assert routes.copied_to(fake.http) == []
    assert not any(line.startswith("pulumi") for line in fake.commands)
    printed = capsys.readouterr().out
    assert printed.startswith("service shop in namespace web\nroutes changed")
    assert "Set the percentages to 0 in its program too" in printed


@pytest.mark.parametrize("text", ["shop", "web/", "/shop", "web/shop/vs"])
def test_a_service_is_named_with_its_namespace(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setattr("sys.argv", ["kill_switch", f"--service={text}"])
    assert switch.main() == 1
    assert capsys.readouterr().err == (
        f"--service {text!r} is not allowed; allowed: NAMESPACE/NAME, such as shop/shop\n"
    )
    assert fake.commands == []


def test_a_change_of_the_meantime_is_kept(fake: Fake, pull: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = kubernetes.Cluster.copying
    moved = routes_of(
        {**SUBSETS, "v1": {"image": "shop:1", "weight": 90}, "v4": {"image": "d", "weight": 10}}
    )

    def copying_and_changed(cluster: kubernetes.Cluster) -> list[dict[str, Any]]:
        found = stale(cluster)
        fake.http = moved
        return found

    monkeypatch.setattr(kubernetes.Cluster, "copying", copying_and_changed)
    monkeypatch.setattr(switch, "_still", lambda cluster, stopped: ())
    assert pull() == 0
    monkeypatch.undo()
    assert routes.copied_to(fake.http) == []
    assert [target["weight"] for target in fake.http[-1]["route"]] == [90, 10]


HTTP_ROUTES = "kubectl get httproutes.gateway.networking.k8s.io"


def test_who_stops_a_service_of_istios_routes_needs_no_right_to_read_others(fake: Fake, pull: Pull) -> None:
    fake.broken[HTTP_ROUTES] = "Error from server (Forbidden)"
    assert pull() == 0
    assert routes.copied_to(fake.http) == []


@pytest.mark.parametrize(
    ("complaint", "status"), [("Error from server (Forbidden)", 1), (kubernetes.NOT_THERE, 0)]
)
def test_a_service_without_istios_routes_may_copy_where_others_may_not_be_read(
    fake: Fake, pull: Pull, complaint: str, status: int
) -> None:
    fake.by_istio = False
    fake.broken[HTTP_ROUTES] = complaint
    assert pull() == status


def test_a_stack_of_another_program_is_left_alone(
    fake: Fake, pull: Pull, capsys: pytest.CaptureFixture[str]
) -> None:
    del fake.config["web:subsets"]
    assert pull() == 1
    assert "has no subsets" in capsys.readouterr().err
    assert len(fake.commands) == 1
