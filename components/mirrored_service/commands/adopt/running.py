"""Which of the objects are the service: its Deployment, its Services, who runs its pods. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...description.subset import COPIES
from ...reading import syntax
from ...reading.fields import fits
from ..doctor.selectors import by_labels
from ..doctor.subject import MANAGED_BY, Object, is_ours, key, said
from ..kill_switch.errors import CommandError
from . import owners
from .world import World, http, led_to

TAKE, LEAVE = "take", "leave"
_MOST_VERSION = 56


@dataclass(frozen=True)
class Running:
    """The service as it runs."""

    namespace: str
    name: str  # of the service: its Service's, where callers' Service can be made of it
    version: str
    domain: str
    deployment: Object | None  # None: others run the pods by other means
    callers: Object | None  # the Service that becomes the one for callers
    more: tuple[Object, ...]  # further Services that lead to the pods
    owner: str | None  # who looks after the pods
    left: bool  # the pods stay its owner's

    @property
    def services(self) -> tuple[Object, ...]:
        return (self.callers, *self.more) if self.callers else self.more

    @property
    def hosts(self) -> frozenset[str]:
        """The full names under which callers know the pods."""
        return frozenset(f"{key(each)[2]}.{self.namespace}.svc.{self.domain}" for each in self.services)

    @property
    def pods(self) -> Mapping[str, str]:
        """The labels of the pods that run."""
        if self.deployment is not None:
            return template_labels(self.deployment)
        found: Mapping[str, str] = self.services[0]["spec"]["selector"]
        return found

    @property
    def made_labels(self) -> dict[str, str]:
        """What the component labels the stack's pods with, whatever these had."""
        return {"app": self.name, "version": self.version}

    @property
    def selector(self) -> dict[str, str]:
        """What the pods are known by."""
        if self.deployment is not None:
            return dict(self.deployment["spec"]["selector"].get("matchLabels") or {})
        return dict(self.pods)


def template_labels(deployment: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = deployment["spec"]["template"].get("metadata", {}).get("labels") or {}
    return found


def find(
    world: World, namespace: str, name: str, *, pods: str | None, version: str | None, domain: str
) -> Running:
    """The service that a Service or a Deployment of this name is.

    :param pods: TAKE or LEAVE the pods; None: as their owner says.
    :param version: What the version that runs is to be called; None: as its pods say.

    Raises CommandError where it is not one service.
    """
    service, deployment = (world.find(kind, namespace, name) for kind in ("Service", "Deployment"))
    if service is None and deployment is None:
        there = sorted({key(each)[2] for each in world.of("Service", namespace)})
        listed = f"; Services there: {', '.join(there)}" if there else ""
        raise CommandError(f"there is no Service or Deployment {name} in the namespace {namespace}{listed}")
    if service is not None:
        deployment = _behind(world, service)
    if deployment is not None and is_ours(deployment):
        raise CommandError(
            f"{said(deployment)} was made by mirrored-service, as its label {MANAGED_BY} says: there is nothing "
            "to adopt; change it in its stack"
        )
    services = _leading(world, namespace, deployment, service)
    callers = _for_callers(world, services, service, name, domain)
    ours = key(callers)[2] if callers else name
    if callers is None and any(key(each)[2] == ours for each in services):
        ours = f"{name}-app"  # its Service is one of moreServices
    owner = owners.owner(deployment) if deployment else "somebody else, as no Deployment was found"
    left = deployment is None or (pods == LEAVE if pods else owner is not None)
    if deployment is None and pods == TAKE:
        raise CommandError(
            f"{said(services[0])} leads to no Deployment's pods; their owner keeps them: --pods leave"
        )
    return Running(
        namespace,
        ours,
        _version(world, namespace, ours, deployment, version, left=left),
        domain,
        deployment,
        callers,
        tuple(each for each in services if each is not callers),
        owner,
        left,
    )


def _behind(world: World, service: Object) -> Object | None:
    """The Deployment that a Service leads to."""
    selector = service["spec"].get("selector")
    if not selector:
        raise CommandError(f"{said(service)} has no selector, so what it leads to is not known here")
    found = [
        each for each in world.of("Deployment", key(service)[1]) if by_labels(selector, template_labels(each))
    ]
    if len(found) > 1:
        listed = ", ".join(key(each)[2] for each in found)
        raise CommandError(
            f"{said(service)} leads to the pods of several Deployments ({listed}): let one of them answer "
            "alone first, as one version is brought in"
        )
    return found[0] if found else None


def _leading(world: World, namespace: str, deployment: Object | None, service: Object | None) -> list[Object]:
    """All Services that lead to the pods."""
    if deployment is None:
        return [service] if service else []
    pods = template_labels(deployment)
    found = [each for each in world.of("Service", namespace) if by_labels(each["spec"].get("selector"), pods)]
    if not found:
        raise CommandError(
            f"no Service leads to the pods of {said(deployment)}: there are no callers to copy from"
        )
    return sorted(found, key=key)


def _for_callers(
    world: World, services: list[Object], named: Object | None, name: str, domain: str
) -> Object | None:
    """The Service to make callers' of: the one that was named, or called as the Deployment, or routed to."""
    fit = [each for each in services if is_plain(each)]
    if named is not None and is_plain(named):
        return named
    called = [each for each in fit if key(each)[2] == name]
    routed = [each for each in fit if _is_routed_to(world, each, domain)]
    return next(iter([*called, *routed, *fit]), None)


def _is_routed_to(world: World, service: Object, domain: str) -> bool:
    host = f"{key(service)[2]}.{key(service)[1]}.svc.{domain}"
    return any(
        host in led_to(each, route, domain) for each in world.of("VirtualService") for route in http(each)
    )


def is_headless(service: Object) -> bool:
    return "None" in (service["spec"].get("clusterIP"), *(service["spec"].get("clusterIPs") or ()))


def is_plain(service: Object) -> bool:
    """Is it of the type that the Service for callers has?"""
    return (
        service["spec"].get("type", "ClusterIP") == "ClusterIP"
        and not is_headless(service)
        and fits(syntax.SERVICE_NAME, key(service)[2])
    )


def _version(
    world: World, namespace: str, name: str, deployment: Object | None, wanted: str | None, *, left: bool
) -> str:
    """A name whose Deployment is not there yet: the pods' own label, else v1, v2 and so on."""
    taken = {key(each)[2] for each in world.of("Deployment", namespace)} if not left else set()
    if wanted is not None:
        if f"{name}-{wanted}" in taken:
            raise CommandError(
                f"--version {wanted} is not allowed: there is a Deployment {name}-{wanted} already, which would "
                "be replaced at once; allowed: a name that is free"
            )
        return wanted
    own = _labelled(deployment)
    candidates = [own] if own else []
    candidates += [f"v{number}" for number in range(1, len(taken) + 2)]
    return next(each for each in candidates if f"{name}-{each}" not in taken)


def _labelled(deployment: Object | None) -> str | None:
    """The version that the pods say, where a version can be called so."""
    found: Any = template_labels(deployment).get("version") if deployment else None
    sound = isinstance(found, str) and re.fullmatch(syntax.LABEL, found)
    return found if sound and len(found) <= _MOST_VERSION and not found.endswith(COPIES) else None
