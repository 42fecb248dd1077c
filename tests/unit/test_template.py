"""What a version's pods are made after: the user's template, merged over what the component needs."""

from typing import Any

import pulumi
import pytest

from mirrored_service import warnings
from mirrored_service.reading.service import parse
from mirrored_service.rendering import pods
from tests.refusals import NOT, problems, v1
from tests.services import service_args

CONFINED = {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
HERE = "subsets.v1.podTemplate"
OWN = f"{HERE}.spec.containers[0]"


def described(template: Any = None, **version: Any) -> Any:
    v1: dict[str, Any] = {"image": "shop:1", "weight": 100, **version}
    if template is not None:
        v1["podTemplate"] = template
    return parse(service_args({"v1": v1}))


def template(written: Any = None, **version: Any) -> dict[str, Any]:
    service = described(written, **version)
    found: dict[str, Any] = pods.deployment(service, service.main)["spec"]["template"]
    return found


def pod(written: Any = None, **version: Any) -> dict[str, Any]:
    found: dict[str, Any] = template({"spec": written} if written else None, **version)["spec"]
    return found


def own(**fields: Any) -> dict[str, Any]:
    """The template with these fields of the service's own container."""
    return {"spec": {"containers": [{"name": "nginx", **fields}]}}


def container(fields: Any = None, **version: Any) -> dict[str, Any]:
    found: dict[str, Any] = template(own(**fields) if fields else None, **version)["spec"]["containers"][0]
    return found


def test_what_is_not_asked_for_is_not_in_the_pod() -> None:
    assert set(template()) == {"metadata", "spec"}
    assert set(pod()) == {"serviceAccountName", "terminationGracePeriodSeconds", "containers"}
    assert set(container()) == {
        "name",
        "image",
        "ports",
        "readinessProbe",
        "resources",
        "securityContext",
        "lifecycle",
    }


def test_an_empty_template_changes_nothing() -> None:
    assert template({}) == template({"metadata": {}, "spec": {"containers": []}}) == template()


def test_mappings_are_merged_and_labels_added() -> None:
    written = {"metadata": {"labels": {"team": "shop"}, "annotations": {"prometheus.io/scrape": "true"}}}
    assert template(written)["metadata"] == {
        "labels": {"app": "nginx", "version": "v1", "team": "shop"},
        "annotations": {"prometheus.io/scrape": "true"},
    }


def test_the_container_of_the_services_name_is_merged_and_others_are_added_after_it() -> None:
    proxy = {"name": "sql-proxy", "image": "proxy:1", "ports": [{"containerPort": 5432}]}
    made = pod({"containers": [proxy, {"name": "nginx", "command": ["serve"], "args": ["--fast"]}]})
    assert [each["name"] for each in made["containers"]] == ["nginx", "sql-proxy"]
    assert made["containers"][1] == proxy
    assert made["containers"][0] == {**container(), "command": ["serve"], "args": ["--fast"]}


def test_lists_whose_members_cannot_be_told_apart_are_as_they_are_written() -> None:
    tolerations = [{"operator": "Exists"}, {"key": "gpu", "operator": "Exists"}]
    assert pod({"tolerations": tolerations})["tolerations"] == tolerations
    confined = {"securityContext": {"capabilities": {"drop": ["NET_RAW"], "add": ["NET_BIND_SERVICE"]}}}
    capabilities = container(confined, podSecurity="restricted")["securityContext"]["capabilities"]
    assert capabilities == {"drop": ["NET_RAW"], "add": ["NET_BIND_SERVICE"]}


def test_ports_are_told_apart_by_number_and_protocol() -> None:
    ports = [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "hostPort": 8080}]
    assert container({"ports": ports})["ports"] == [
        {"name": "app", "containerPort": 80, "hostPort": 8080},
        {"containerPort": 80, "protocol": "UDP"},
    ]


def test_a_readiness_probe_is_there_unless_another_one_is_given() -> None:
    usual = {"periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 3}
    assert container()["readinessProbe"] == {"httpGet": {"path": "/", "port": "app"}, **usual}
    slower = {"httpGet": {"path": "/healthz"}, "periodSeconds": 9}
    assert container({"readinessProbe": slower})["readinessProbe"] == {
        "httpGet": {"path": "/healthz", "port": "app"},
        **usual,
        "periodSeconds": 9,
    }


@pytest.mark.parametrize("handler", ["exec", "tcpSocket", "grpc"])
def test_a_probe_of_another_kind_takes_its_place(handler: str) -> None:
    does = {"exec": {"command": ["true"]}, "tcpSocket": {"port": 1}, "grpc": {"port": 1}}[handler]
    probe = container({"readinessProbe": {handler: does}})["readinessProbe"]
    assert probe[handler] == does
    assert "httpGet" not in probe


def test_null_takes_away() -> None:
    assert "securityContext" not in container({"securityContext": None})
    assert "readinessProbe" not in container({"readinessProbe": None})
    assert "annotations" not in template({"metadata": {"annotations": None}})["metadata"]


def test_variables_of_the_template_come_first_so_that_others_may_use_them() -> None:
    password = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop-db", "key": "password"}}}
    assert container({"env": [password]}, env={"B": "2", "A_URL": "db://app:$(PASSWORD)@db"})["env"] == [
        password,
        {"name": "A_URL", "value": "db://app:$(PASSWORD)@db"},
        {"name": "B", "value": "2"},
    ]


def test_a_single_value_may_be_the_output_of_another_resource() -> None:
    known_later = pulumi.Output.from_input("made")
    made = pod({"volumes": [{"name": "config", "configMap": {"name": known_later}}]})
    assert made["volumes"][0]["configMap"]["name"] is known_later


def test_whole_numbers_of_other_languages_are_whole_again() -> None:
    made = pod({"terminationGracePeriodSeconds": 60.0, "priority": 5.0})
    assert repr((made["terminationGracePeriodSeconds"], made["priority"])) == "(60, 5)"


@pytest.mark.parametrize(
    ("level", "of_the_pod", "of_the_container"),
    [
        ("baseline", None, CONFINED),
        ("restricted", {"seccompProfile": {"type": "RuntimeDefault"}}, RESTRICTED),
        ("image", None, None),
    ],
)
def test_a_pod_is_confined_as_far_as_its_image_allows(
    level: str, of_the_pod: Any, of_the_container: Any
) -> None:
    made = pod(podSecurity=level)
    assert made.get("securityContext") == of_the_pod
    assert made["containers"][0].get("securityContext") == of_the_container
    user = {"securityContext": {"runAsUser": 1000}}
    assert container(user, podSecurity=level)["securityContext"] == {
        **(of_the_container or {}),
        "runAsUser": 1000,
    }


def test_the_end_of_a_pod_may_come_later_and_up_waits_for_it() -> None:
    service = described({"spec": {"terminationGracePeriodSeconds": 600}})
    assert service.main.grace_seconds == 600


SELECTED = "as the pods are selected by it"
INJECTED = '"true" or nothing, as copies and routes need the sidecar'
PROXY = "any other user than 1337: what that user sends does not pass Istio's sidecar"
PORT = "another name, as Services find the port of the version's containerPort by this one"
ACCOUNT = "the name of a ServiceAccount in plain text: a-z, 0-9, '-' and '.', at most 253"
GRACE = "a number of seconds above stop.delaySeconds, which is 15"
KEPT = "a mapping or nothing, as the component's own is in it"


def annotated(kind: str, value: Any) -> Any:
    return {"metadata": {kind: {"sidecar.istio.io/inject": value}}}


REFUSED: list[tuple[str, Any, str]] = [
    ("a template that is text", "spec: {}", f"{HERE}: a string {NOT} a mapping"),
    (
        "a field that does not exist",
        own(livenesProbe={}),
        f"{OWN}.livenesProbe: unknown, did you mean livenessProbe?",
    ),
    (
        "a directive of kubectl's patches",
        own(**{"$patch": "replace"}),
        f'{OWN}["$patch"]: unknown, allowed: args, command, env, envFrom, image, imagePullPolicy, lifecycle, '
        "livenessProbe, name, ports, readinessProbe, resizePolicy, resources, restartPolicy, restartPolicyRules, "
        "securityContext, startupProbe, stdin, stdinOnce, terminationMessagePath, terminationMessagePolicy, tty, "
        "volumeDevices, volumeMounts, workingDir",
    ),
    ("a container without a name", {"spec": {"containers": [{"image": "a:1"}]}}, f"{OWN}.name: missing"),
    (
        "a container twice",
        {"spec": {"containers": [{"name": "nginx"}, {"name": "nginx"}]}},
        f"{HERE}.spec.containers[1]: is there before; allowed: each name once",
    ),
    (
        "a container whose name is not known yet",
        {"spec": {"containers": [{"name": pulumi.Output.from_input("a")}]}},
        f"{OWN}.name: an output {NOT} a plain value, which tells it from the others",
    ),
    (
        "containers that are not known yet",
        {"spec": {"containers": pulumi.Output.from_input([])}},
        f"{HERE}.spec.containers: an output {NOT} a list",
    ),
    (
        "a container without an image, as one that was meant to be the service's",
        {"spec": {"containers": [{"name": "ngnix", "command": ["serve"]}]}},
        f"{OWN}.image: null {NOT} an image; or is 'nginx' meant, which is the service's own container?",
    ),
    (
        "a mount without a place",
        own(volumeMounts=[{"name": "a"}]),
        f"{OWN}.volumeMounts[0].mountPath: missing",
    ),
    (
        "a probe without a port, where no port is under it",
        own(livenessProbe={"httpGet": {"path": "/"}}),
        f"{OWN}.livenessProbe.httpGet.port: missing",
    ),
    (
        "a port that is taken away",
        own(readinessProbe={"httpGet": {"port": None}}),
        f"{OWN}.readinessProbe.httpGet.port: missing",
    ),
    *(
        (f"a label {name} of its own", {"metadata": {"labels": {name: "x"}}}, line)
        for name, line in [
            ("app", f"{HERE}.metadata.labels.app: a string {NOT} 'nginx' or nothing, {SELECTED}"),
            ("version", f"{HERE}.metadata.labels.version: a string {NOT} 'v1' or nothing, {SELECTED}"),
        ]
    ),
    (
        "a label that is taken away",
        {"metadata": {"labels": {"app": None}}},
        f"{HERE}.metadata.labels.app: null {NOT} 'nginx' or nothing, {SELECTED}",
    ),
    *(
        (
            f"no sidecar, by {kind}",
            annotated(kind, "false"),
            f'{HERE}.metadata.{kind}["sidecar.istio.io/inject"]: a string {NOT} {INJECTED}',
        )
        for kind in ("labels", "annotations")
    ),
    *(
        (f"{'.'.join(path)} taken away", value, f"{HERE}.{'.'.join(path)}: null {NOT} {KEPT}")
        for path, value in [
            (["metadata"], {"metadata": None}),
            (["metadata", "labels"], {"metadata": {"labels": None}}),
            (["spec"], {"spec": None}),
            (["spec", "containers"], {"spec": {"containers": None}}),
        ]
    ),
    (
        "pods that end",
        {"spec": {"restartPolicy": "Never"}},
        f"{HERE}.spec.restartPolicy: a string {NOT} Always, as in every Deployment",
    ),
    (
        "the network of the node",
        {"spec": {"hostNetwork": True}},
        f"{HERE}.spec.hostNetwork: a boolean {NOT} false, as Istio gives no sidecar to pods of the node's "
        "network",
    ),
    (
        "an account in the field's old spelling",
        {"spec": {"serviceAccount": "a"}},
        f"{HERE}.spec.serviceAccount: a string {NOT} nothing: serviceAccountName is the field's new name",
    ),
    *(
        (
            f"an account that is {what}",
            {"spec": {"serviceAccountName": name}},
            f"{HERE}.spec.serviceAccountName: {kind} {NOT} {ACCOUNT}",
        )
        for what, name, kind in [
            ("no name", "a/b", "a string"),
            ("taken away", None, "null"),
            ("an output", pulumi.Output.from_input("a"), "an output"),
        ]
    ),
    *(
        (
            f"an end {what}",
            {"spec": {"terminationGracePeriodSeconds": seconds}},
            f"{HERE}.spec.terminationGracePeriodSeconds: {kind} {NOT} {GRACE}",
        )
        for what, seconds, kind in [
            ("before the pod was to stop serving", 15, "a number"),
            ("that the cluster chooses", None, "null"),
        ]
    ),
    (
        "the sidecar's user, for all containers",
        {"spec": {"securityContext": {"runAsUser": 1337}}},
        f"{HERE}.spec.securityContext.runAsUser: a number {NOT} {PROXY}",
    ),
    (
        "the sidecar's user",
        own(securityContext={"runAsUser": 1337}),
        f"{OWN}.securityContext.runAsUser: a number {NOT} {PROXY}",
    ),
    (
        "the sidecar's user, before the start",
        {"spec": {"initContainers": [{"name": "a", "image": "a", "securityContext": {"runAsUser": 1337}}]}},
        f"{HERE}.spec.initContainers[0].securityContext.runAsUser: a number {NOT} {PROXY}",
    ),
    (
        "another image",
        own(image="shop:2"),
        f"{OWN}.image: a string {NOT} nothing, as the version's image says it",
    ),
    ("no image", own(image=None), f"{OWN}.image: null {NOT} nothing, as the version's image says it"),
    *(
        (
            f"{key} in two places",
            own(resources={key: {"cpu": "1"}}),
            f"{OWN}.resources.{key}: a mapping {NOT} nothing, as the version's resources.{key} says it",
        )
        for key in ("requests", "limits")
    ),
    *(
        (
            f"no {key}",
            own(**{key: None}),
            f"{OWN}.{key}: null {NOT} nothing, as the component's own {key} are in it",
        )
        for key in ("ports", "resources")
    ),
    (
        "another name of the port",
        own(ports=[{"containerPort": 80, "name": "http"}]),
        f"{OWN}.ports[0].name: a string {NOT} 'app' or nothing, as Services find the port of the version's "
        "containerPort by it",
    ),
    (
        "the port's name at another one",
        own(ports=[{"containerPort": 81, "name": "app"}]),
        f"{OWN}.ports[0].name: a string {NOT} {PORT}",
    ),
    (
        "the port's name in another container",
        {
            "spec": {
                "containers": [{"name": "a", "image": "a", "ports": [{"containerPort": 1, "name": "app"}]}]
            }
        },
        f"{OWN}.ports[0].name: a string {NOT} {PORT}",
    ),
]


@pytest.mark.parametrize(
    ("written", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_it_refuses(written: Any, message: str) -> None:
    assert problems(v1(podTemplate=written)) == (message,)


def test_it_refuses_a_variable_in_two_places() -> None:
    assert problems(v1(env={"A": "1"}, podTemplate=own(env=[{"name": "A", "value": "2"}]))) == (
        f"{OWN}.env[0].name: a string {NOT} a variable that is not in the version's env as well",
    )


@pytest.mark.parametrize(
    "written",
    [
        annotated("labels", "true"),
        {"metadata": {"labels": {"app": "nginx", "version": "v1"}}},
        {"spec": {"restartPolicy": "Always", "hostNetwork": False, "shareProcessNamespace": True}},
        own(ports=[{"containerPort": 80, "name": "app"}, {"containerPort": 9090, "name": "metrics"}]),
        own(resources={"claims": [{"name": "gpu"}]}),
        # How Istio is told to change the sidecar that it adds.
        {"spec": {"containers": [{"name": "istio-proxy", "securityContext": {"runAsUser": 1337}}]}},
        {"spec": {"containers": [{"name": "istio-proxy", "image": "auto", "lifecycle": {}}]}},
    ],
)
def test_it_takes(written: Any) -> None:
    template(written)


def warned(written: Any, **version: Any) -> list[str]:
    return [line for line in warnings.of(described(written, **version)) if "podTemplate" in line]


def test_it_warns_of_pods_that_get_requests_before_they_can_answer() -> None:
    assert warned(own(readinessProbe=None)) == [
        "subsets.v1.podTemplate: container nginx: without a readinessProbe it gets requests before it can "
        "answer; give it one"
    ]
    assert warned(own(readinessProbe={"exec": {"command": ["true"]}})) == []


@pytest.mark.parametrize(
    ("lifecycle", "lost"),
    [
        (None, True),
        ({"preStop": None}, True),
        ({"preStop": {"exec": {"command": ["nginx", "-s", "quit"]}}}, True),
        ({"preStop": {"sleep": {"seconds": 5}}}, True),
        ({"preStop": {"sleep": {"seconds": 20}}}, False),
        ({"postStart": {"exec": {"command": ["true"]}}}, False),
    ],
)
def test_it_warns_of_pods_that_stop_serving_at_once(lifecycle: Any, lost: bool) -> None:
    assert warned(own(lifecycle=lifecycle)) == (
        [
            "subsets.v1.podTemplate: container nginx: its preStop is not the sleep of 15 s in which "
            "proxies learn that the pod ends; let it go on serving for that long, or requests are lost when pods "
            "are exchanged"
        ]
        if lost
        else []
    )
    assert warned(own(lifecycle=lifecycle), stop={"delaySeconds": 0}) == []


def test_a_hook_of_another_kind_takes_the_place_of_the_sleep() -> None:
    before_stop = container({"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}})["lifecycle"][
        "preStop"
    ]
    assert before_stop == {"exec": {"command": ["true"]}}
