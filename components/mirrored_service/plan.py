"""What is made of a service: which objects, in which order, which of them stay, and where `up` waits.

Pure. The component registers the plan, and `render` prints it.

`up` works from top to bottom: for a live version from the mesh to its pods, then the routes, and for all other
versions from the pods to the mesh. So no request meets a version that is not ready for it, and no copy one that
is on its way to becoming live, or back:

    namespace, the mesh's Service
    each live version: what the mesh knows of it (no longer where copies go), what contained it opens, its pods
    the callers' Service and those besides, the service of another environment, the Gateway
    the routes
    each other version: what contains it closes, its pods, what the mesh knows of it (now where copies go)

`destroy` goes by `needs`, from the bottom to the top: the routes and where copies go, then pods, then what
contains them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from .args import MirroredServiceArgs
from .description.mirror_to import SUFFIX
from .description.more_services import MoreService
from .description.service import Service
from .description.subset import Subset
from .reading.service import parse
from .rendering import (
    Manifest,
    answer_digests,
    entry,
    gateway_api,
    isolation,
    mirror_headers,
    mirror_to,
    pods,
    routes,
    scaling,
    service,
    subset,
)

Key = tuple[str, str]
Moments = tuple[str, ...]
# Pods have ended when their Deployment is gone; the kubelet and the garbage collector need a moment.
_SPARE_SECONDS = 60


@dataclass(frozen=True)
class Step:
    """One object, and how it is registered."""

    suffix: str  # of its resource name, which is its identity
    manifest: Manifest
    needs: tuple[Key, ...] = ()  # is made after these, and deleted before them
    after: tuple[Key, ...] = ()  # is made after these
    kept: bool = False  # in the cluster, when it is no longer in the stack
    ready_seconds: int | None = None  # within which it must be ready; None: Pulumi's own limit
    gone_seconds: int | None = None  # within which it must be gone
    unmanaged: tuple[str, ...] = ()  # fields that stay as the cluster has them
    version: str | None = None  # whose object it is, if it is one version's
    waits: Moments = ()  # at which of Pulumi's hooks; for what, settle.py says

    @property
    def key(self) -> Key:
        """Kind and name, as in the cluster."""
        return self.manifest["kind"], self.manifest["metadata"]["name"]

    def resource_name(self, component: str) -> str:
        """What Pulumi knows the object by."""
        return f"{component}-{self.suffix}"


def plan(described: Service) -> tuple[Step, ...]:
    """The steps, each after those that it needs."""
    namespace = _namespace(described)
    # With Gateway API each version is a Service of its own.
    mesh = (
        []
        if described.by_gateway_api
        else [Step("versions", service.mesh_service(described), needs=_keys(namespace))]
    )
    # No request needs a log: nothing waits for it, and a new pod has it from its first request.
    logs = [
        Step(version.name, subset.telemetry(described, version), needs=_keys(namespace), version=version.name)
        for version in (described.subsets if described.access_log.providers else ())
    ]
    digests = _digests(described, _keys(namespace))
    first = (*_keys(namespace), *_keys(mesh), *_keys(digests))
    live = [_live(described, version, first) for version in described.live]
    callers = Step(
        "callers",
        service.callers_service(described),
        needs=(*_keys(namespace), *_keys(live[described.live.index(described.main)])),
        kept=described.keep_on_destroy,
        # An imported Service has its address in the state; leaving it out would replace the Service.
        unmanaged=("spec.clusterIP", "spec.clusterIPs"),
    )
    more = [_more(described, each, callers) for each in described.more_services]
    elsewhere = [Step(SUFFIX, made, needs=_keys(namespace)) for made in mirror_to.objects(described)]
    gateway = (
        [Step("gateway", _gateway(described), needs=_keys(namespace))]
        if described.hosts and not described.gateway.existing
        else []
    )
    before = [*namespace, *mesh, *chain(*live), callers, *more, *elsewhere, *gateway]
    routed = _routes(described, _keys(before))
    rest = [
        _not_live(described, version, first, _keys(routed))
        for version in described.subsets
        if not version.live
    ]
    return (*namespace, *logs, *digests, *before[len(namespace) :], *routed, *chain(*rest))


def render(args: MirroredServiceArgs) -> list[Manifest]:
    """The objects that `pulumi up` would make, in the order in which it makes them.

    :param args: As for `MirroredService`.
    :raises InvalidArgsError: (a ValueError) when anything in args is wrong; it lists every problem.
    """
    return [managed(step) for step in plan(parse(args))]


def managed(step: Step) -> Manifest:
    """The object without the fields that somebody else counts or sets: who applies it time and again would set
    them back."""
    if not step.unmanaged:
        return step.manifest
    spec = {key: value for key, value in step.manifest["spec"].items() if f"spec.{key}" not in step.unmanaged}
    return {**step.manifest, "spec": spec}


def _keys(steps: Iterable[Step]) -> tuple[Key, ...]:
    return tuple(step.key for step in steps)


def _namespace(described: Service) -> list[Step]:
    # Kept always: with it everything in it would go, whoever made it.
    made = described.create_namespace
    return [Step("namespace", service.namespace(described), kept=True)] if made else []


def _digests(described: Service, needs: tuple[Key, ...]) -> list[Step]:
    """What digests the answers of each version, whatever its role. All that serves is made after it: where Istio
    does not have its kind, which no preview tells, `up` ends before anything else is changed."""
    if described.answer_digests is None:
        return []
    return [
        Step(
            version.name,
            answer_digests.traffic_extension(described, version, described.answer_digests),
            needs,
            version=version.name,
        )
        for version in described.subsets
    ]


def _more(described: Service, each: MoreService, callers: Step) -> Step:
    """A further Service, made and kept as the callers' one: its pods are there, and the routes come after it."""
    return Step(
        f"more-{each.name}",
        service.more_service(described, each),
        needs=callers.needs,
        kept=callers.kept,
        # As the user has them, or the cluster.
        unmanaged=tuple(field for field in callers.unmanaged if field.removeprefix("spec.") not in each.spec),
    )


def _routes(described: Service, needs: tuple[Key, ...]) -> list[Step]:
    waits: Moments = ("before_update", "after_update")
    if not described.create_namespace or described.by_gateway_api:
        # Callers may be there already: those of a service that others run, or whose routes were Istio's.
        waits += ("before_create",)
    if described.keep_on_destroy:
        # Callers stay. Only then, as a hook on deletion makes Pulumi ask for `destroy --run-program`.
        waits += ("after_delete",)
    return [Step(suffix, made, needs, waits=waits) for suffix, made in _made_routes(described)]


def _made_routes(described: Service) -> list[tuple[str, Manifest]]:
    """The routes, each with the suffix of its resource name."""
    if not described.by_gateway_api:
        entered = [("ingress", routes.ingress_virtual_service(described))] if described.entered else []
        return [*entered, ("mesh", routes.mesh_virtual_service(described))]
    made = []
    if described.entered:
        made.append(("ingress", gateway_api.ingress_route(described)))
        made += [("redirect", route) for route in gateway_api.redirect_routes(described)]
    return made + [
        (gateway_api.mesh_suffix(described, port), gateway_api.mesh_route(described, port))
        for port in described.routed
    ]


def _gateway(described: Service) -> Manifest:
    return gateway_api.gateway(described) if described.by_gateway_api else entry.gateway(described)


def _version_service(described: Service, version: Subset, needs: tuple[Key, ...]) -> list[Step]:
    """With Gateway API: the version as a Service, whatever its role, and how live requests reach its pods."""
    if not described.by_gateway_api:
        return []
    made = {
        f"version-{version.name}": service.version_service(described, version),
        f"{version.name}-policy": subset.live_rule(described, version),
    }
    return [Step(suffix, each, needs, version=version.name) for suffix, each in made.items() if each]


def _copies(
    described: Service,
    version: Subset,
    needs: tuple[Key, ...],
    after: tuple[Key, ...],
    waits: Moments,
) -> list[Step]:
    """Where copies go, with their limits: last the object that says whether they may arrive."""
    if not described.by_gateway_api:
        rule = subset.destination_rule(described, version)
        return [Step(version.name, rule, needs, after, version=version.name, waits=waits)]
    limits = Step(
        version.copies_name, subset.copies_rule(described, version), needs, after, version=version.name
    )
    to = Step(
        f"version-{version.copies_name}",
        service.copies_service(described, version),
        # The limits are there before the first copy, and after the last one.
        (*needs, limits.key),
        after,
        version=version.name,
        waits=waits,
    )
    return [limits, to]


def _live(described: Service, version: Subset, needs: tuple[Key, ...]) -> list[Step]:
    """Copies stop before the version is let out, and before its pods change: they may get the live database."""
    known = [
        *_copies(described, version, needs, (), ("after_update",)),
        *_version_service(described, version, needs),
    ]
    needs = (*needs, *_keys(known))
    contained = _containment(described, version, needs, (), ("before_update", "after_update"))
    started = _pods(described, version, (*needs, *_keys(contained)), (), ("before_update",))
    return [*known, *contained, *started]


def _not_live(
    described: Service, version: Subset, needs: tuple[Key, ...], after: tuple[Key, ...]
) -> list[Step]:
    """After the routes: a version that stops being live keeps its pods until no request needs them, and a shadow
    that does not start holds up no live route. It is contained before its pods start, and gets copies after the
    last pod that was live is gone."""
    known = _version_service(described, version, needs)
    needs = (*needs, *_keys(known))
    contained = _containment(described, version, needs, after, ("after_create", "after_update"))
    started = _pods(
        described,
        version,
        (*needs, *_keys(contained)),
        after,
        ("before_create", "before_update", "after_update"),
    )
    copies = _copies(
        described,
        version,
        # Where copies go is gone before the pods that they go to.
        (*needs, *_keys([*contained, *started])),
        after,
        (*_before_first_copies(contained, started), "before_update"),
    )
    return [*known, *contained, *started, *copies]


def _before_first_copies(contained: list[Step], started: list[Step]) -> Moments:
    """Pods that others run may be there already, and their sidecars learn of what contains them later."""
    return ("before_create",) if contained and not started else ()


def _containment(
    described: Service,
    version: Subset,
    needs: tuple[Key, ...],
    after: tuple[Key, ...],
    waits: Moments,
) -> list[Step]:
    """What contains the version while it is not live, and what takes headers off its copies."""
    made_of = isolation.objects(described, version)
    if described.mirror_headers:
        headers = mirror_headers.envoy_filter(described, version, described.mirror_headers)
        made_of.append((version.name, headers))
    return [
        Step(
            suffix,
            made,
            needs,
            after,
            # Pods that are kept could not be started again without their account.
            kept=described.keep_on_destroy and version.live and made["kind"] == "ServiceAccount",
            version=version.name,
            waits=waits if made["kind"] != "ServiceAccount" else (),
        )
        for suffix, made in made_of
    ]


def _pods(
    described: Service,
    version: Subset,
    needs: tuple[Key, ...],
    after: tuple[Key, ...],
    waits: Moments,
) -> list[Step]:
    """The version's Deployment, unless others run its pods; who counts them, and how many may be missing."""
    if version.run_by_others:
        return []
    kept = described.keep_on_destroy and version.live
    deployment = Step(
        version.name,
        pods.deployment(described, version),
        needs,
        after,
        kept=kept,
        # Pulumi's own limits would be 10 minutes, whatever the Deployment says.
        ready_seconds=version.rollout.deadline_seconds,
        gone_seconds=version.grace_seconds + _SPARE_SECONDS,
        # Without a word from us: a field that is only left out would be taken back, and be one pod.
        unmanaged=() if version.counted_here else ("spec.replicas",),
        version=version.name,
        waits=waits,
    )
    made = []
    if version.autoscaling is not None:
        made.append(scaling.autoscaler(described, version, version.autoscaling))
    if version.live and described.disruption_budget is not None:
        made.append(scaling.disruption_budget(described, version, described.disruption_budget))
    about = [
        Step(version.name, each, (*needs, deployment.key), after, kept, version=version.name) for each in made
    ]
    return [deployment, *about]
