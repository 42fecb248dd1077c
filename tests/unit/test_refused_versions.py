"""What is refused of a version, in which words; and that secrets are in none of them."""

from typing import Any

import pulumi
import pytest

from mirrored_service import InvalidArgsError
from mirrored_service.reading.service import parse
from tests.refusals import MAPPING, NOT, PORT, V1, problems, v1, v2
from tests.services import service_args

IMAGE = 'a container image, such as "registry.example/shop:1"'
ENV = "variables whose values are strings without NUL (put numbers in quotes)"
ENV_NAME = "letters, digits, '_', '-' and '.', not starting with a digit"
QUANTITY = 'a Kubernetes quantity as a string, such as "250m" or "128Mi"'
RESOURCE = 'cpu, memory, ephemeral-storage, or an extended resource such as "example.org/gpu"'
PERCENT = "0, or a number from 0.0001 to 1000"
WEIGHT = "a whole number from 0 to 100"


def requests(**quantities: Any) -> Any:
    return v1(resources={"requests": quantities})


REFUSED: list[tuple[str, Any, str]] = [
    (
        "a version that is no mapping",
        service_args({"v1": V1, "v2": "shop:2"}),
        f"subsets.v2: a string {NOT} {MAPPING}",
    ),
    ("a version that is null", service_args({"v1": V1, "v2": None}), f"subsets.v2: null {NOT} {MAPPING}"),
    (
        "a misspelt percentage",
        v2(mirrorPercnt=50),
        "subsets.v2.mirrorPercnt: unknown, did you mean mirrorPercent?",
    ),
    (
        "a percentage in another spelling",
        v2(mirror_percent=50),
        "subsets.v2.mirror_percent: unknown, did you mean mirrorPercent?",
    ),
    (
        "a key of the service",
        v2(annotations={}),
        "subsets.v2.annotations: unknown, allowed: annotations of the service as a whole",
    ),
    (
        "a key far from any other",
        v2(stop={"zzz": 1}),
        "subsets.v2.stop.zzz: unknown, allowed: delaySeconds, graceSeconds",
    ),
    ("no image", service_args({"v1": {"weight": 100}}), f"subsets.v1.image: missing; allowed: {IMAGE}"),
    ("an image that is null", v1(image=None), f"subsets.v1.image: missing; allowed: {IMAGE}"),
    ("an empty image", v1(image=""), f"subsets.v1.image: '' {NOT} {IMAGE}"),
    ("an image with capitals", v1(image="Shop:1"), f"subsets.v1.image: 'Shop:1' {NOT} {IMAGE}"),
    ("an image with a space", v1(image="shop: 1"), f"subsets.v1.image: 'shop: 1' {NOT} {IMAGE}"),
    ("an image with an empty tag", v1(image="shop:"), f"subsets.v1.image: 'shop:' {NOT} {IMAGE}"),
    (
        "an image as an address",
        v1(image="https://r.example/shop"),
        f"subsets.v1.image: 'https://r.example/shop' {NOT} {IMAGE}",
    ),
    (
        "an image with half a digest",
        v1(image="shop@sha256:0f"),
        f"subsets.v1.image: 'shop@sha256:0f' {NOT} {IMAGE}",
    ),
    ("weight above 100", v1(weight=101), f"subsets.v1.weight: 101 {NOT} {WEIGHT}"),
    ("half a percent of weight", v1(weight=0.5), f"subsets.v1.weight: 0.5 {NOT} {WEIGHT}"),
    ("weight as true", v1(weight=True), f"subsets.v1.weight: True {NOT} {WEIGHT}"),
    (
        "an output as weight",
        v1(weight=pulumi.Output.from_input(100)),
        f"subsets.v1.weight: an output {NOT} {WEIGHT}",
    ),
    (
        "live and shadow at once",
        v1(mirrorPercent=5),
        f"subsets.v1.mirrorPercent: 5 {NOT} 0 next to weight 100, as a version is live or a shadow, never both",
    ),
    (
        "a percentage too small to copy anything",
        v2(mirrorPercent=0.00001),
        f"subsets.v2.mirrorPercent: 1e-05 {NOT} {PERCENT}",
    ),
    ("a percentage too large", v2(mirrorPercent=1000.1), f"subsets.v2.mirrorPercent: 1000.1 {NOT} {PERCENT}"),
    ("a percentage as text", v2(mirrorPercent="50%"), f"subsets.v2.mirrorPercent: '50%' {NOT} {PERCENT}"),
    ("a negative percentage", v2(mirrorPercent=-1), f"subsets.v2.mirrorPercent: -1 {NOT} {PERCENT}"),
    (
        "a percentage that is no number",
        v2(mirrorPercent=float("nan")),
        f"subsets.v2.mirrorPercent: nan {NOT} {PERCENT}",
    ),
    ("false as percentage", v2(mirrorPercent=False), f"subsets.v2.mirrorPercent: False {NOT} {PERCENT}"),
    ("no replicas", v1(replicas=0), f"subsets.v1.replicas: 0 {NOT} a whole number from 1 to 10000"),
    ("half a pod", v1(replicas=1.5), f"subsets.v1.replicas: 1.5 {NOT} a whole number from 1 to 10000"),
    ("a port of the sidecar", v1(containerPort=15006), f"subsets.v1.containerPort: 15006 {NOT} {PORT}"),
    ("a number as variable", v1(env={"PORT": 8080}), f"subsets.v1.env.PORT: a number {NOT} {ENV}"),
    ("a variable that is null", v1(env={"PORT": None}), f"subsets.v1.env.PORT: null {NOT} {ENV}"),
    ("a variable with a NUL", v1(env={"A": "hush\0"}), f"subsets.v1.env.A: a string {NOT} {ENV}"),
    (
        "a variable that no process could get",
        v1(env={"A": "x" * 200_000}),
        f"subsets.v1.env.A: a string {NOT} {ENV}",
    ),
    ("half of a pair of surrogates", v1(env={"A": "\ud800"}), f"subsets.v1.env.A: a string {NOT} {ENV}"),
    (
        "a variable's name with a space",
        v1(env={"A B": "x"}),
        f"subsets.v1.env: the name 'A B' {NOT} {ENV_NAME}",
    ),
    (
        "a variable's name that starts with a digit",
        v1(env={"1A": "x"}),
        f"subsets.v1.env: the name '1A' {NOT} {ENV_NAME}",
    ),
    ("a variable as one line", v1(env={"A=hush": "x"}), f"subsets.v1.env: the name 'A=' {NOT} {ENV_NAME}"),
    (
        "variables as Kubernetes lists them",
        v1(env=[{"name": "A", "value": "hush"}]),
        f"subsets.v1.env: a list {NOT} {ENV}",
    ),
    (
        "a quantity that is none",
        requests(cpu="fast"),
        f"subsets.v1.resources.requests.cpu: 'fast' {NOT} {QUANTITY}",
    ),
    ("a quantity as number", requests(cpu=1), f"subsets.v1.resources.requests.cpu: 1 {NOT} {QUANTITY}"),
    (
        "a quantity below zero",
        requests(cpu="-1"),
        f"subsets.v1.resources.requests.cpu: '-1' {NOT} {QUANTITY}",
    ),
    (
        "a quantity too large to count",
        requests(memory="8Ei"),
        f"subsets.v1.resources.requests.memory: '8Ei' {NOT} {QUANTITY}",
    ),
    (
        "thousandths of a byte",
        requests(memory="128m"),
        f'subsets.v1.resources.requests.memory: \'128m\' {NOT} a whole number, such as "128Mi": "m" is a '
        "thousandth",
    ),
    (
        "a resource that does not exist",
        requests(gpu="1"),
        f"subsets.v1.resources.requests: the name 'gpu' {NOT} {RESOURCE}",
    ),
    (
        "a limit below the request",
        v1(resources={"requests": {"cpu": "1"}, "limits": {"cpu": "900m"}}),
        f"subsets.v1.resources.limits.cpu: '900m' {NOT} at least the request, which is 1",
    ),
    (
        "a device without a limit",
        v1(resources={"requests": {"a.example/gpu": "1"}}),
        f'subsets.v1.resources.limits["a.example/gpu"]: null {NOT} the same as the request, 1: it is never '
        "shared",
    ),
    (
        "no pod may be exchanged",
        v1(rollout={"maxSurge": 0}),
        f"subsets.v1.rollout.maxSurge: 0 {NOT} at least 1 next to maxUnavailable 0, or no pod could be exchanged",
    ),
    (
        "a share of the pods",
        v1(rollout={"maxSurge": "25%"}),
        f"subsets.v1.rollout.maxSurge: '25%' {NOT} a whole number from 0 to 10000",
    ),
    (
        "a deadline that no pod keeps",
        v1(rollout={"deadlineSeconds": 4}),
        f"subsets.v1.rollout.deadlineSeconds: 4 {NOT} a whole number from 5 to 86400",
    ),
    (
        "a deadline that comes before pods count as ready",
        v1(rollout={"minReadySeconds": 60, "deadlineSeconds": 60}),
        f"subsets.v1.rollout.minReadySeconds: 60 {NOT} less than deadlineSeconds, which is 60",
    ),
    (
        "a grace shorter than the delay",
        v1(stop={"delaySeconds": 45}),
        f"subsets.v1.stop.graceSeconds: 45 {NOT} more than delaySeconds, which is 45",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)


def own(**fields: Any) -> Any:
    return {"spec": {"containers": [{"name": "nginx", **fields}]}}


def places_of_a_secret(secret: Any) -> list[Any]:
    """Arguments that are wrong, with the secret in them at different places."""
    return [
        {"subsets": secret},
        {"subsets": [secret]},
        service_args({"v 1": {**V1, "env": {"A": secret}}}),
        service_args({"v1": secret}),
        service_args({"v1": [secret]}),
        v1(env=secret),
        v1(env=[secret]),
        v1(env={"A": [secret]}),
        v1(env={"A": {"value": secret}}),
        v1(env={"A": f"{secret}\0"}),
        v1(env={f"A={secret}": ""}),
        v1(envs={"A": secret}),
        service_args(env={"A": secret}),
        v1(podTemplate=secret),
        v1(podTemplate={"spec": secret}),
        v1(podTemplate={"spec": {"containers": [secret]}}),
        v1(podTemplate=own(args=secret)),
        v1(podTemplate=own(args=[[secret]])),
        v1(podTemplate=own(env=[{"name": "A", "value": [secret]}])),
        v1(podTemplate=own(image=str(secret))),
        v1(podTemplate=own(**{f"args={secret}": []})),
        v1(podTemplate={"metadata": {"labels": {"app": str(secret)}}}),
        v1(podTemplate={"spec": {"serviceAccountName": f"{secret}/"}}),
        v1(shadowIsolation=secret),
        service_args(
            mirrorMatch={"headers": {"authorization": secret if secret == 4711.4711 else f"{secret}\n"}}
        ),
    ]


@pytest.mark.parametrize("place", range(len(places_of_a_secret(""))))
@pytest.mark.parametrize("secret", ["hush-4711", 4711.4711])
def test_what_may_be_secret_is_never_shown(place: int, secret: Any) -> None:
    with pytest.raises(InvalidArgsError) as refused:
        parse(places_of_a_secret(secret)[place])
    assert "4711" not in str(refused.value)
