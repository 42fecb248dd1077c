"""The lab, for every test that needs a real cluster."""

import pytest

from lab import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    """This checkout's lab, started if it is down; it stays up afterwards."""
    running = Lab()
    running.up(lambda line: None)
    return running
