"""An `up` whose pods came without a sidecar says so."""

from collections.abc import Callable

from lab.kit.scratch import ScratchStack
from tests.mesh.faults import live_and_shadow


def test_an_up_tells_of_pods_without_a_sidecar_and_of_none_once_they_have_one(
    deploy: Callable[[], ScratchStack],
) -> None:
    deployed, subsets = deploy(), live_and_shadow("v1", "v2")
    deployed.configure(subsets, namespaceLabels={"istio.io/rev": "not-there"})
    first = deployed.stack.change("up")
    assert first.returncode == 0, first.stdout
    for version in subsets:
        assert f"1 of 1 pods of {version} have no sidecar" in first.stdout
    assert "copies to them do not arrive" in first.stdout

    deployed.deploy(subsets)
    deployed.kubectl("delete", "pods", "--all")
    for version in subsets:
        deployed.kubectl("rollout", "status", f"deployment/nginx-{version}", "--timeout=120s")
    second = deployed.stack.change("up")
    assert second.returncode == 0, second.stdout
    assert "sidecar" not in second.stdout
