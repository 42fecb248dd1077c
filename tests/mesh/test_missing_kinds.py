"""A cluster whose Istio is older than a setting needs: refused in the preview, and nothing is changed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab import Lab
from lab.kit.scratch import ScratchStack
from tests.mesh.faults import live_and_shadow

KIND = "customresourcedefinition/trafficextensions.extensions.istio.io"
REFUSED = "answerDigests: this cluster does not have the kind TrafficExtension; Istio has it from 1.30 on"


@contextmanager
def without_the_kind(lab: Lab) -> Iterator[None]:
    """As with Istio below 1.30."""
    found = json.loads(lab.kubectl("get", KIND, "--output=json"))
    kept = {key: found["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}
    lab.kubectl("delete", KIND)
    try:
        yield
    finally:
        again = {
            "apiVersion": found["apiVersion"],
            "kind": found["kind"],
            "metadata": kept,
            "spec": found["spec"],
        }
        lab.kubectl("create", "--filename=-", input=json.dumps(again))
        lab.kubectl("wait", KIND, "--for=condition=Established", "--timeout=60s")


def test_what_the_cluster_has_no_kind_for_is_refused_in_the_preview_and_changes_nothing(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed = deploy()
    deployed.configure(live_and_shadow("v1", "v2"), answerDigests={"key": "0" * 32})
    with without_the_kind(deployed.lab):
        for verb in ("preview", "up"):
            refused = deployed.stack.change(verb)
            assert refused.returncode != 0
            assert REFUSED in refused.stdout
            assert "Traceback" not in refused.stdout
        namespace = ("namespace", deployed.namespace, "--ignore-not-found", "--output=name")
        assert deployed.lab.kubectl("get", *namespace) == ""
    assert "create" in {step["op"] for step in deployed.stack.preview()}
