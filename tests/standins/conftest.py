"""A stand-in that serves, and a namespace for each test."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import Lab
from lab.plugins.kubernetes.client import Cluster
from tests.standins.engine import Resource, connected
from tests.standins.objects import Object

New = Callable[[Object], Resource]
Live = Callable[[str, str], Object]


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[Any]:
    """A stand-in for the Kubernetes provider, configured for the lab."""
    with connected(str(lab.kubeconfig)) as stub:
        yield stub


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Cluster:
    """Quicker than kubectl, for what every test needs."""
    return Cluster(str(lab.kubeconfig))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """An empty namespace; its deletion is not waited for."""
    name = f"standins-{uuid.uuid4().hex[:6]}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    cluster.create(made, "tests", dry_run=False)
    yield name
    cluster.delete(made, "Background")


@pytest.fixture
def new(client: Any) -> New:
    """Makes a resource of a program, which is not created yet."""
    return lambda inputs: Resource(client, inputs)


@pytest.fixture
def live(lab: Lab, namespace: str) -> Live:
    """Reads an object past the stand-in, by kind and name."""

    def read(kind: str, name: str) -> Object:
        text = lab.kubectl("-n", namespace, "get", kind, name, "--show-managed-fields", "-o", "json")
        found: Object = json.loads(text)
        return found

    return read
