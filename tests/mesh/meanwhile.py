"""Something that is done again and again while a test changes things."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def meanwhile(action: Callable[[], object], every: float = 0) -> Iterator[None]:
    """Repeats an action during the block, with so many seconds in between; what it raises, the end raises."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            action()
            over.wait(every)

    with ThreadPoolExecutor(1) as thread:
        repeating = thread.submit(repeat)
        try:
            yield
        finally:
            over.set()
        repeating.result()
