"""Steady requests in the background while a test changes something; every one is counted."""

import threading
import time
from collections import Counter
from types import TracebackType

import requests


class Traffic:
    """Sends requests through the gateway as long as the `with` block lasts."""

    def __init__(self, url: str, host: str, rate: float = 50) -> None:
        self.url, self.host, self.pause = url, host, 1 / rate
        self.answers: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=15)

    def _send(self) -> None:
        give_up = time.monotonic() + 300
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.wait(self.pause) and time.monotonic() < give_up:
                try:
                    answer = session.get(f"{self.url}/steady", headers={"Host": self.host}, timeout=5)
                    self.answers[f"{answer.status_code} {' '.join(answer.text.split()[:2])}"] += 1
                except requests.RequestException as problem:
                    self.answers[type(problem).__name__] += 1
