"""Tells a person that long work is alive: often, but never so often that a log fills with it."""

import sys
import time
from collections.abc import Callable

Report = Callable[[str], None]
EVERY = 10.0  # seconds between two lines in a log
EVERY_ON_TERMINAL = 1.0


def say(text: str) -> None:
    """Prints at once, also into a pipe: whoever waits there must see that work goes on."""
    print(text, flush=True)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 05 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Progress:
    """Repeats one line of news: rewritten in place on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.in_place = report in (say, print) and sys.stdout.isatty()
        self.last = 0.0

    def update(self, text: str) -> None:
        """Shows the text if the last one was long enough ago."""
        now = time.monotonic()
        if now - self.last < (EVERY_ON_TERMINAL if self.in_place else EVERY):
            return
        self.last = now
        if self.in_place:
            print(f"\r\033[K{text}", end="", flush=True)
        else:
            self.report(text)

    def done(self, text: str) -> None:
        """Shows the text for good."""
        if self.in_place:
            print("\r\033[K", end="")
        self.report(text)
