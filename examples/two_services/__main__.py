"""A shop and its search: two mirrored services in one stack, in namespaces of their own, behind one Gateway."""

import pulumi

from mirrored_service import MirroredService, MirrorMatchArgs, SubsetArgs

config = pulumi.Config()
domain, gateway, prefix = (config.require(key) for key in ("domain", "gateway", "namespace"))


def image(name: str) -> pulumi.Output[str]:
    """An image that is known only while the program runs, as one is that the program builds: with
    pulumi_docker_build it would be Image(...).ref."""
    return pulumi.Output.concat(config.require("registry"), "/", name)


def service(
    name: str, subsets: dict[str, SubsetArgs], copied: MirrorMatchArgs | None = None
) -> MirroredService:
    """What both services have in common."""
    return MirroredService(
        name,
        {
            "name": name,
            "namespace": f"{prefix}{name}",
            "hosts": [f"{name}.{domain}"],
            "gateway": {"existing": gateway, "ownsHosts": True},
            "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090, "appProtocol": "tcp"}],
            # Callers that know the service by another name get the live version too.
            "moreServices": {f"old-{name}": {}},
            "annotations": {"example.org/owner": "team-shop@example.org"},
            "subsets": subsets,
            "mirrorMatch": copied or {},
        },
    )


shop = service(
    "shop",
    {
        "v1": {"image": image("nginx-v1:1"), "weight": 100},
        "v2": {"image": image("nginx-v2:1"), "mirrorPercent": 50},
    },
)
search = service(
    "search",
    {
        # The shop tells its search where to find it: by an output of the other component.
        "v2": {"image": image("nginx-v2:1"), "weight": 100, "env": {"SHOP": shop.host}},
        "v3": {"image": image("nginx-v3:1"), "mirrorPercent": 100, "env": {"SHOP": shop.host}},
    },
    copied={"methods": ["GET"]},
)

pulumi.export("shop", shop.host)
pulumi.export("search", search.host)
