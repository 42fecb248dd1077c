"""Further Services lead to the live version only, through a promotion and back, for callers of every kind."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from lab.kit.check import access_log
from lab.kit.client_pods import run_load_pod, run_pod
from lab.kit.load import from_pod, load
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import assert_nothing_lost
from tests.mesh.faults import wait_until

MORE: dict[str, Any] = {
    "old-shop": {"ports": [{"name": "http", "port": 8000}]},
    # No address ever comes on the lab: nothing may wait for one.
    "shop-external": {"type": "LoadBalancer", "annotations": {"example.org/internal": "true"}},
}


def versions(live: str, shadow: str) -> dict[str, Any]:
    return {
        live: {"image": f"lab.local/nginx-{live}:1", "weight": 100},
        shadow: {"image": f"lab.local/nginx-{shadow}:1", "mirrorPercent": 100},
    }


def test_no_request_is_lost_and_no_shadow_answers_under_another_name(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    deployed.deploy(versions("v1", "v2"), moreServices=MORE)
    lab, namespace = deployed.lab, deployed.namespace
    inside = run_load_pod(lab, namespace)
    run_pod(lab, namespace, "plain", "lab.local/vegeta:1", sidecar=False)
    run = uuid.uuid4().hex[:6]
    streams = [
        from_pod(namespace, inside, f"http://old-shop:8000/inside-{run}", rate=20),
        from_pod(namespace, inside, f"http://shop-external/inside-{run}", rate=21),
        from_pod(namespace, "plain", f"http://old-shop:8000/plain-{run}", rate=22),
        from_pod(namespace, "plain", f"http://shop-external/plain-{run}", rate=23),
    ]

    def copies(caller: str) -> int:
        return len(access_log(lab, deployed.service, "v2", f"/{caller}-{run}"))

    with load(lab, streams) as counted:
        wait_until(lambda: copies("inside") > 100, "v2 logs copies")
    assert_nothing_lost(counted, {"v1"})
    # No proxy of the mesh makes these requests.
    assert copies("plain") == 0
    for live, shadow in (("v2", "v1"), ("v1", "v2")):
        with load(lab, streams) as counted:
            deployed.deploy(versions(live, shadow), moreServices=MORE)
        assert_nothing_lost(counted, {"v1", "v2"})
        with load(lab, streams) as counted:
            time.sleep(2)
        assert_nothing_lost(counted, {live})
