"""Registers the plan. What is made, and in which order, is in plan.py."""

from importlib import metadata
from typing import Any, cast

import pulumi

from . import additions, warnings
from .args import MirroredServiceArgs, MirrorTarget
from .description.service import Service
from .plan import Key, Step, plan
from .reading.fields import InvalidArgsError
from .reading.service import parse
from .rendering import Manifest
from .settle import Waits

# As the classes of pulumi_kubernetes ask for, so that theirs and ours share a provider.
_PROVIDER_VERSION = metadata.version("pulumi-kubernetes")


class MirroredService(pulumi.ComponentResource):
    """A service on Istio whose live requests can be copied to shadow versions, without a user ever seeing it."""

    namespace: pulumi.Output[str]
    """Namespace that holds every object."""

    host: pulumi.Output[str]
    """Fully qualified host name that callers inside the cluster use. Answers come from live versions only."""

    urls: pulumi.Output[list[str]]
    """Where the service is reached through the gateway: one URL for each host that is not a wildcard. Empty
    with an existing gateway, whose ports only its owner knows, and without hosts."""

    live_versions: pulumi.Output[list[str]]
    """Names of the subsets that answer requests."""

    shadow_versions: pulumi.Output[list[str]]
    """Names of the subsets that get copies."""

    mirror_percents: pulumi.Output[dict[str, float]]
    """How many requests in a hundred each of them gets copies of, by its name. The shadow report needs it."""

    mirror_methods: pulumi.Output[list[str]]
    """The methods of the requests that are copied; "*" for all. The shadow report needs it."""

    mirror_target: pulumi.Output[MirrorTarget]
    """What another stack needs to mirror to this service: its live version as a host and port."""

    def __init__(
        self, name: str, args: MirroredServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """
        :param name: Resource name; the first part of every child's resource name.
        :param args: What to build.
        :param opts: Pulumi options; give the Kubernetes provider here.
        :raises InvalidArgsError: (a ValueError) when anything in args is wrong; it lists every problem.
        """
        service = parse(args)
        _check_options(name, opts)
        super().__init__("mirrored-service:index:MirroredService", name, {}, opts)
        self._name = name
        self._retained = (
            opts.retain_on_delete if opts else None
        )  # Pulumi gives the objects all options but this one
        said = warnings.of(service)
        for line in said:
            pulumi.log.warn(line, self)
        contained = [subset.name for subset in service.subsets if service.contained(subset)]
        waits = Waits(name, service.settle_seconds, contained, self)
        # The objects by kind and name in the cluster, as ("Deployment", "shop-v1"), for what is to follow them.
        self.children: dict[Key, pulumi.Resource] = {}
        for step in plan(service):
            self.children[step.key] = self._register(step, waits)
        self._warn_of_fewer_pods(service, said)
        self._set_outputs(service)

    def _register(self, step: Step, waits: Waits) -> pulumi.Resource:
        options = pulumi.ResourceOptions(
            parent=self,
            version=_PROVIDER_VERSION,
            depends_on=[self.children[key] for key in step.needs],
            hooks=waits.of(step),
            ignore_changes=list(step.unmanaged),
            retain_on_delete=step.kept or self._retained,
            custom_timeouts=_timeouts(step),
        )
        made = _after([self.children[key] for key in step.after], step.manifest)
        resource: Any = pulumi.CustomResource(
            _type(step.manifest), step.resource_name(self._name), made, options
        )
        if "istio.io/" in step.manifest["apiVersion"]:
            # The output is the whole object, and the API server adds nothing to these kinds.
            resource.spec.apply(lambda live: self._warn_of_additions(step, live))
        return cast(pulumi.Resource, resource)

    def _warn_of_additions(self, step: Step, live: object) -> None:
        # An output among ours is a single value, to which nothing can be added: it need not be known.
        found = additions.paths(step.manifest["spec"], live, "spec")
        if found:
            pulumi.log.warn(
                f"{step.manifest['metadata']['name']}: somebody added {', '.join(found)} by hand, and Pulumi "
                f"takes back only what was changed; take it out with `{additions.command(step.manifest)}`",
                self,
            )

    def _warn_of_fewer_pods(self, service: Service, said: list[str]) -> None:
        """By how many pods there really are, where somebody else counts them; what was said is not said again."""
        ours = [subset for subset in service.subsets if not subset.run_by_others]
        if all(subset.counted_here for subset in ours):
            return
        specs: Any = {
            subset.name: cast(Any, self.children["Deployment", service.version_name(subset)]).spec
            for subset in ours
        }

        def warn(specs: dict[str, Any]) -> None:
            pods = {name: int(spec.get("replicas") or 1) for name, spec in specs.items()}
            for line in warnings.fewer_pods(service, pods):
                if line not in said:
                    pulumi.log.warn(line, self)

        pulumi.Output.all(**specs).apply(warn)

    def _set_outputs(self, service: Service) -> None:
        outputs: dict[str, Any] = {
            "namespace": service.namespace,
            "host": service.host,
            "urls": service.urls(),
            "live_versions": [subset.name for subset in service.live],
            "shadow_versions": [subset.name for subset in service.shadows],
            "mirror_percents": {subset.name: subset.mirror_percent for subset in service.shadows},
            "mirror_methods": list(service.copied_methods),
            "mirror_target": {
                "host": service.host,
                "port": service.port.number,
                "protocol": service.port.protocol,
            },
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _check_options(name: str, opts: pulumi.ResourceOptions | None) -> None:
    """Pulumi takes ignore_changes for a component and passes it to nothing."""
    if opts and opts.ignore_changes:
        raise InvalidArgsError(
            f"mirrored service {name!r}",
            [
                "opts.ignore_changes: not allowed, as Pulumi ignores it for a component; allowed: a transform "
                "that gives it to the object that is meant (docs/environments.md)"
            ],
        )


def _after(earlier: list[pulumi.Resource], manifest: Manifest) -> Manifest:
    """The object, once the earlier ones are done. It does not depend on them, or Pulumi would have to delete it
    before them."""
    if not earlier:
        return manifest

    async def kind() -> str:
        for resource in earlier:
            await resource.urn.future()
        return str(manifest["kind"])

    async def known() -> bool:
        return True

    return {**manifest, "kind": pulumi.Output(set(), kind(), known())}


def _timeouts(step: Step) -> pulumi.CustomTimeouts | None:
    if step.ready_seconds is None:
        return None
    ready = f"{step.ready_seconds}s"
    return pulumi.CustomTimeouts(create=ready, update=ready, delete=f"{step.gone_seconds}s")


def _type(manifest: Manifest) -> str:
    """What Pulumi calls the object's kind. The classes of pulumi_kubernetes say the same, but to import those of
    core/v1 takes longer than to import Pulumi."""
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    return f"kubernetes:{group}:{manifest['kind']}"
