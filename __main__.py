"""One mirrored service for each stack, as the stack's config describes it."""

import pulumi

import cluster
import settings
from mirrored_service import MirroredService

args = settings.load()
cluster.check_kinds(args)
service = MirroredService(args["name"], args)
cluster.tell_of_sidecars(service, args)

pulumi.export("namespace", service.namespace)
pulumi.export("host", service.host)
pulumi.export("urls", service.urls)
pulumi.export("liveVersions", service.live_versions)
pulumi.export("shadowVersions", service.shadow_versions)
pulumi.export("mirrorPercents", service.mirror_percents)
pulumi.export("mirrorMethods", service.mirror_methods)
pulumi.export("mirrorTarget", service.mirror_target)
