"""Registers the objects: parents, order, hooks and outputs. What the objects look like is in manifests.py."""

from collections.abc import Sequence
from importlib import metadata
from itertools import chain
from typing import Any

import pulumi

from . import advice, containment, manifests, mirror_to, model, settle, target
from .args import MirroredServiceArgs, MirrorTarget
from .manifests import Manifest

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
    with an existing gateway, whose ports only its owner knows."""

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
        service = model.parse(args)
        super().__init__("mirrored-service:index:MirroredService", name, {}, opts)
        self._name = name
        for line in advice.warnings(service):
            pulumi.log.warn(line, self)
        self._register(service)
        self._set_outputs(service)

    def _register(self, service: model.Service) -> None:
        """Registers in the order in which a request needs the objects: pods, subsets, then routes."""
        namespace = self._namespace(service)
        self._access_log(service, namespace)
        # What contains a version that becomes live lets it out before its pods and the routes are touched.
        live = {subset.name: self._pods(service, subset, namespace) for subset in service.live}
        callers = self._add(
            "callers",
            manifests.callers_service(service),
            [*namespace, *live[service.main.name]],
            retain_on_delete=service.keep_on_destroy,
            # An imported Service has its address in the state; leaving it out would replace the Service.
            ignore_changes=["spec.clusterIP", "spec.clusterIPs"],
        )
        versions = self._add("versions", manifests.mesh_service(service), namespace)
        rules = [
            self._add(subset.name, manifests.destination_rule(service, subset), [versions])
            for subset in service.subsets
        ]
        elsewhere = [
            self._add(mirror_to.SUFFIX, manifest, namespace) for manifest in target.objects_of(service)
        ]
        gateway = self._gateway(service, namespace)
        before_routes = [*chain(*live.values()), *rules, *elsewhere, *gateway, callers]
        hooks = settle.hooks(self._name, service, self)
        routes = [
            self._add("ingress", manifests.ingress_virtual_service(service), before_routes, hooks=hooks),
            self._add("mesh", manifests.mesh_virtual_service(service), before_routes, hooks=hooks),
        ]
        for subset in service.subsets:
            if not subset.live:
                # After the routes: a version that stops being live keeps its pods until no request needs them,
                # and a shadow that does not start cannot hold up the live route. Nor is it contained earlier.
                self._pods(service, subset, routes)

    def _namespace(self, service: model.Service) -> list[pulumi.Resource]:
        if not service.create_namespace:
            return []
        kept = service.keep_on_destroy
        return [self._add("namespace", manifests.namespace(service), retain_on_delete=kept)]

    def _access_log(self, service: model.Service, needs: Sequence[pulumi.Resource]) -> None:
        """No request needs a log: nothing waits for it, and a new pod has it from its first request."""
        for subset in service.subsets if service.access_log.providers else ():
            self._add(subset.name, manifests.telemetry(service, subset), needs)

    def _gateway(self, service: model.Service, needs: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        return [] if service.gateway.existing else [self._add("gateway", manifests.gateway(service), needs)]

    def _pods(
        self, service: model.Service, subset: model.Subset, needs: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """The version's Deployment, unless others run its pods."""
        if subset.foreign:
            return []
        return [self._deployment(service, subset, self._contained(service, subset, needs))]

    def _contained(
        self, service: model.Service, subset: model.Subset, needs: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Registers what contains the version while it is not live; returns what its pods wait for."""
        # Pods that are kept could not be started again without their account.
        kept = service.keep_on_destroy and subset.live
        made = [
            self._add(suffix, manifest, needs, retain_on_delete=kept and manifest["kind"] == "ServiceAccount")
            for suffix, manifest in containment.objects_of(service, subset)
        ]
        return [*needs, *made]

    def _deployment(
        self, service: model.Service, subset: model.Subset, needs: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        # Pulumi's own limit would be 10 minutes, whatever the Deployment says.
        limit = f"{subset.rollout.deadline_seconds}s"
        timeouts = pulumi.CustomTimeouts(create=limit, update=limit)
        return self._add(
            subset.name,
            manifests.deployment(service, subset),
            needs,
            custom_timeouts=timeouts,
            retain_on_delete=service.keep_on_destroy and subset.live,
        )

    def _add(
        self,
        suffix: str,
        manifest: Manifest,
        needs: Sequence[pulumi.Resource] = (),
        **options: Any,
    ) -> pulumi.Resource:
        """Registers one object. Its resource name is its identity: a new suffix needs an alias."""
        opts = pulumi.ResourceOptions(
            parent=self, depends_on=list(needs), version=_PROVIDER_VERSION, **options
        )
        return pulumi.CustomResource(_type(manifest), f"{self._name}-{suffix}", manifest, opts)

    def _set_outputs(self, service: model.Service) -> None:
        outputs: dict[str, Any] = {
            "namespace": service.namespace,
            "host": service.host,
            "urls": service.urls(),
            "live_versions": [subset.name for subset in service.live],
            "shadow_versions": [subset.name for subset in service.shadows],
            "mirror_percents": {subset.name: subset.mirror_percent for subset in service.shadows},
            "mirror_methods": list(service.mirror_match.methods),
            "mirror_target": {"host": service.host, "port": service.port, "protocol": service.protocol},
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _type(manifest: Manifest) -> str:
    """What Pulumi calls the object's kind. The classes of pulumi_kubernetes say the same, but to import those of
    core/v1 takes longer than to import Pulumi."""
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    return f"kubernetes:{group}:{manifest['kind']}"
