"""What kubectl can ask the cluster, and Pulumi's provider cannot: whether it has the kinds that the config needs,
before anything is changed; and whether pods came up without a sidecar, after an `up`.

Where kubectl is not there, or may not ask, nothing is said.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pulumi
from pulumi.runtime import config

from mirrored_service import InvalidArgsError, MirroredService, MirroredServiceArgs, render
from mirrored_service.commands.doctor import mesh
from mirrored_service.commands.doctor.finding import Finding
from mirrored_service.commands.doctor.seen import HERE, Seen
from mirrored_service.commands.doctor.subject import Subject, of_config
from mirrored_service.commands.kill_switch.cluster import access
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kubectl import Kubectl
from mirrored_service.reading.service import parse

# Kinds that not every cluster with Istio has: where they are, which setting needs them, and what to do.
_KINDS = {
    "TrafficExtension": (
        "extensions.istio.io/v1alpha1",
        "answerDigests",
        "Istio has it from 1.30 on: upgrade Istio, or take answerDigests out",
    ),
    "HTTPRoute": (
        "gateway.networking.k8s.io/v1",
        "api",
        "'gateway' is allowed where Gateway API 1.5 or later is installed "
        "(https://gateway-api.sigs.k8s.io/guides/getting-started/): install it, or set api to istio",
    ),
}
# Config of the provider that leads it to where kubectl does not look.
_ELSEWHERE = ("kubernetes:cluster", "kubernetes:renderYamlToDirectory")


def check_kinds(args: MirroredServiceArgs) -> None:
    """Raises InvalidArgsError, in previews too, for what the config needs and the cluster does not know. Pulumi
    finds it out when other objects have been changed."""
    settings = {setting for _, setting, _ in _KINDS.values()}
    if not args.keys() & settings or any(map(config.get_config, _ELSEWHERE)):
        return
    kinds = {made["kind"] for made in render(args)} & _KINDS.keys()
    problems = [
        f"{_KINDS[kind][1]}: this cluster does not have the kind {kind}; {_KINDS[kind][2]}"
        for kind in sorted(kinds)
        if not _served(kind)
    ]
    if problems:
        raise InvalidArgsError("what the config needs of the cluster", problems)


def _served(kind: str) -> bool:
    version = _KINDS[kind][0]
    with _kubectl() as kubectl:
        try:
            found = json.loads(kubectl.run("get", "--raw", f"/apis/{version}", "--request-timeout=10s"))
        except CommandError as problem:
            pulumi.log.debug(f"whether there is a {kind} is not known: {problem}")
            return "(NotFound)" not in str(problem)
    return any(resource["kind"] == kind for resource in found["resources"])


def tell_of_sidecars(service: MirroredService, args: MirroredServiceArgs) -> None:
    """Warns once everything is there, as copies to pods without a sidecar do not arrive and nobody says so. Never
    in a preview."""
    if pulumi.runtime.is_dry_run():
        return
    subject = of_config(parse(args))

    def warn(_: object) -> None:
        for found in without_sidecar(subject):
            pulumi.log.warn(f"{found.what}: {found.why}; {found.do}", service)

    pulumi.Output.all(*(child.urn for child in service.children.values())).apply(warn)


def without_sidecar(subject: Subject) -> list[Finding]:
    """What the doctor says of the sidecars of the pods that run."""
    with _kubectl() as kubectl:
        try:
            pods, unread = kubectl.lists(["Pod"], f"--namespace={subject.namespace}")
        except CommandError as problem:
            pods, unread = {}, {"Pod": str(problem)}
    if unread:
        pulumi.log.debug(f"pods are not looked at for sidecars: {unread['Pod']}")
        return []
    seen = Seen(subject, "", {("Pod", HERE): pods["Pod"]})
    return [found for found in mesh.sidecars(seen) if isinstance(found, Finding)]


@contextmanager
def _kubectl() -> Iterator[Kubectl]:
    """kubectl for the cluster that the stack's config names, as for Pulumi."""
    given = {key: config.get_config(f"kubernetes:{key}") for key in ("context", "kubeconfig")}
    with access({key: value for key, value in given.items() if value}) as chosen:
        yield Kubectl(chosen)
