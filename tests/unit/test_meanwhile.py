"""What tests repeat while they change things does not fail unseen."""

import time

import pytest

from tests.mesh.meanwhile import meanwhile


def test_an_action_is_repeated_until_the_block_ends() -> None:
    done: list[float] = []
    with meanwhile(lambda: done.append(time.monotonic()), every=0.01):
        time.sleep(0.2)
    number = len(done)
    assert number > 3
    time.sleep(0.05)
    assert len(done) == number


def test_what_an_action_raises_the_end_of_the_block_raises() -> None:
    def fail() -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"), meanwhile(fail):
        time.sleep(0.1)


def test_what_the_block_raises_is_what_is_told() -> None:
    with pytest.raises(KeyError), meanwhile(lambda: 1 / 0):
        raise KeyError("of the test")
