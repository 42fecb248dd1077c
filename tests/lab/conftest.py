"""Labs of these tests' own, beside the one that the other tests use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import Lab


@pytest.fixture
def other_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab that is down at first; whatever a test does with it, nothing of it stays."""
    lab = Lab(tmp_path / "lab")
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Lab]]:
    """Two clusters, started at the same time."""
    labs = (Lab(tmp_path_factory.mktemp("one")), Lab(tmp_path_factory.mktemp("two")))
    try:
        with ThreadPoolExecutor(len(labs)) as pool:
            for started in [pool.submit(lab.up, istio=False) for lab in labs]:
                started.result()
        yield labs
    finally:
        for lab in labs:
            lab.down()
