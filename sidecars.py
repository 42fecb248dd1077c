"""Tells, after an `up`, of pods that came up without a sidecar: copies to them do not arrive, and nobody says so.

Pulumi's provider cannot list pods, kubectl can.
"""

import pulumi
from pulumi.runtime import config

from mirrored_service import MirroredService, MirroredServiceArgs
from mirrored_service.commands.doctor import mesh
from mirrored_service.commands.doctor.finding import Finding
from mirrored_service.commands.doctor.seen import HERE, Seen
from mirrored_service.commands.doctor.subject import Subject, of_config
from mirrored_service.commands.kill_switch.cluster import access
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kubectl import Kubectl
from mirrored_service.reading.service import parse


def tell(service: MirroredService, args: MirroredServiceArgs) -> None:
    """Warns once everything is there; never in a preview, and not where pods cannot be read."""
    if pulumi.runtime.is_dry_run():
        return
    subject = of_config(parse(args))

    def warn(_: object) -> None:
        for found in missing(subject):
            pulumi.log.warn(f"{found.what}: {found.why}; {found.do}", service)

    pulumi.Output.all(*(child.urn for child in service.children.values())).apply(warn)


def missing(subject: Subject) -> list[Finding]:
    """What the doctor says of the sidecars of the pods that run."""
    given = {key: config.get_config(f"kubernetes:{key}") for key in ("context", "kubeconfig")}
    with access({key: value for key, value in given.items() if value}) as chosen:
        try:
            pods, unread = Kubectl(chosen).lists(["Pod"], f"--namespace={subject.namespace}")
        except CommandError as problem:
            pods, unread = {}, {"Pod": str(problem)}
    if unread:
        pulumi.log.debug(f"pods are not looked at for sidecars: {unread['Pod']}")
        return []
    seen = Seen(subject, "", {("Pod", HERE): pods["Pod"]})
    return [found for found in mesh.sidecars(seen) if isinstance(found, Finding)]
