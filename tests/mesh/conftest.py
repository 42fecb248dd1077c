"""Stacks of this project's own program on the lab."""

from collections.abc import Callable, Iterator

import pytest

from lab import Lab
from lab.kit.scratch import ScratchStack
from tests.services import service_args


@pytest.fixture(scope="module")
def deploy(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], ScratchStack]]:
    """Makes stacks; they are destroyed when the module's tests have ended."""
    made: list[ScratchStack] = []

    def make() -> ScratchStack:
        made.append(ScratchStack(lab, tmp_path_factory.mktemp("stack"), service_args()))
        return made[-1]

    yield make
    for deployed in made:
        deployed.remove()
