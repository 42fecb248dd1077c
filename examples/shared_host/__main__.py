"""The cart of a shop whose host several teams share: the host's owner hands /cart over (root.yaml)."""

import pulumi

from mirrored_service import MirroredService

config = pulumi.Config()
namespace, registry = (config.require(key) for key in ("namespace", "registry"))

cart = MirroredService(
    "cart",
    {
        "name": "cart",
        "namespace": namespace,
        # No hosts: the root VirtualService says them, and delegates to ours, which is called cart-vs.
        "gateway": {"delegate": True},
        "routes": [
            {
                # Inside what the root hands over. Users ask for /cart/1, and the service for /1.
                "match": [{"uri": {"prefix": "/cart/"}}],
                "rewrite": {"uri": "/"},
                "timeout": "3s",
                "retries": {"attempts": 2, "retryOn": "connect-failure,refused-stream"},
            },
            {"match": [{"uri": {"exact": "/cart"}}], "redirect": {"uri": "/cart/"}},
            # Callers inside the mesh know no root, and no /cart.
            {"match": [{"gateways": ["mesh"]}], "timeout": "3s"},
        ],
        "subsets": {
            "v1": {"image": f"{registry}/nginx-v1:1", "weight": 100},
            "v2": {"image": f"{registry}/nginx-v2:1", "mirrorPercent": 100},
        },
    },
)

pulumi.export("cart", cart.host)
