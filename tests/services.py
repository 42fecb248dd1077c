"""Arguments that many tests start from."""

from typing import Any, cast

from mirrored_service import MirroredServiceArgs

WALKTHROUGH: dict[str, Any] = {
    "name": "nginx",
    "namespace": "istio-project",
    "hosts": ["*"],
    "gateway": {"ownsHosts": True},
    "subsets": {
        "v1": {"image": "lab.local/nginx-v1:1", "weight": 100},
        "v2": {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100},
    },
}
# Subsets with a shadow, with that one live, and with pods that others run.
SHADOW: dict[str, Any] = {
    "v1": {"image": "shop:1", "weight": 100},
    "v2": {"image": "shop:2", "mirrorPercent": 100},
}
LIVE: dict[str, Any] = {"v1": {"image": "shop:1"}, "v2": {"image": "shop:2", "weight": 100}}
FOREIGN: dict[str, Any] = {
    "v1": {"podLabels": {"app": "nginx", "track": "stable"}, "weight": 100},
    "v2": {"podLabels": {"app": "nginx", "track": "next"}, "mirrorPercent": 100},
}


def service_args(subsets: dict[str, Any] | None = None, **changes: Any) -> MirroredServiceArgs:
    """The walkthrough's arguments with some properties changed; None leaves a property out."""
    args: dict[str, Any] = {**WALKTHROUGH, **changes}
    if subsets is not None:
        args["subsets"] = subsets
    return cast(MirroredServiceArgs, {key: value for key, value in args.items() if value is not None})
