"""The component starts fast: it does without the classes of pulumi_kubernetes, and says what they would say."""

import subprocess
import sys
from collections.abc import Callable

import pulumi
import pytest
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace, Service

from mirrored_service import MirroredService, component
from tests.recorder import record
from tests.services import service_args

CLASSES: list[Callable[..., pulumi.Resource]] = [Deployment, Namespace, Service]


def test_importing_the_component_imports_nothing_of_pulumi_kubernetes() -> None:
    statement = "import sys, mirrored_service; print([m for m in sys.modules if 'pulumi_kubernetes' in m])"
    assert subprocess.check_output([sys.executable, "-c", statement], text=True) == "[]\n"


def test_objects_have_the_types_and_ask_for_the_provider_that_pulumi_kubernetes_would_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, registered = record(lambda: MirroredService("nginx", service_args()))
    types = {found.type for found in registered}
    assert "kubernetes:networking.istio.io/v1:VirtualService" in types

    asked: dict[str, str] = {}
    monkeypatch.setattr(
        pulumi.CustomResource, "__init__", lambda *args: asked.update({args[1]: args[-1].version})
    )
    for declare in CLASSES:
        declare("by-class", spec={})
    assert len(asked) == len(CLASSES)
    assert set(asked) <= types
    assert set(asked.values()) == {component._PROVIDER_VERSION}
