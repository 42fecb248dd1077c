"""Steady load on the lab with vegeta: every request is counted, with who answered it and when."""

from __future__ import annotations

import base64
import csv
import itertools
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.build import programs
from lab.cluster.lab import Lab
from lab.errors import LabError

LONGEST_SECONDS = 300  # no load lasts longer, whatever becomes of the program that started it
TIMEOUT = "5s"
LEAD_SECONDS = 1.0  # load before and after a change, so that what goes wrong around it is seen
TRAIL_SECONDS = 2.0
END = "no targets to attack"  # what vegeta notes as its last result when it has no request left


@dataclass(frozen=True)
class Counted:
    """What came of the requests of one stream."""

    stream: str
    sent: int
    failures: Counter[str]  # status and body, or error, of everything that is not a 200
    answered_by: Counter[str]  # version, of the 200s
    longest_gap: float  # seconds between two answers
    moments: tuple[float, ...] = field(repr=False, default=())  # when what failed began, in rising order
    latencies: tuple[float, ...] = field(repr=False, default=())  # seconds, of the answers, in rising order
    latencies_of: Mapping[str, tuple[float, ...]] = field(repr=False, default_factory=dict)  # the same by URL

    def lost(self, live: Iterable[str]) -> int:
        """Requests that failed or were answered by a version that is not live."""
        strangers = sum(count for version, count in self.answered_by.items() if version not in set(live))
        return sum(self.failures.values()) + strangers

    def percentile(self, percent: float, url: str | None = None) -> float:
        """Seconds within which so many of the answers came, of all or of one URL."""
        found = self.latencies if url is None else self.latencies_of.get(url)
        if not found:
            raise LabError(f"load {self.stream}: no request was answered")
        return found[min(int(len(found) * percent / 100), len(found) - 1)]


@dataclass(frozen=True)
class Stream:
    """A source of requests, at a constant rate whatever the answers' speed."""

    name: str
    url: str
    rate: int
    host: str | None = None
    keep_alive: bool = False
    pod: tuple[str, str] | None = None  # namespace and name of the pod that sends; else the lab's node does
    more_urls: tuple[str, ...] = ()  # asked for in turn with the first
    options: tuple[str, ...] = ()  # more of vegeta's

    @property
    def pid_file(self) -> str:
        return f"/run/vegeta-{self.rate}-{self.keep_alive}.pid"

    def attack(self) -> str:
        """The shell command that sends; vegeta takes over the shell's process, whose pid it leaves behind."""
        more = " ".join([*([f"-header 'Host: {self.host}'"] if self.host else []), *self.options])
        targets = " ".join(f"'GET {url}'" for url in (self.url, *self.more_urls))
        return (
            f"printf '%s\\n' {targets} >{self.pid_file}.target; echo $$ >{self.pid_file}; "
            f"exec vegeta attack -targets={self.pid_file}.target -rate={self.rate} "
            f"-duration={LONGEST_SECONDS}s -timeout={TIMEOUT} -keepalive={str(self.keep_alive).lower()} {more}"
        )


def through_gateway(lab: Lab, host: str, rate: int = 200, keep_alive: bool = False) -> Stream:
    name = "gateway, kept alive" if keep_alive else "gateway"
    return Stream(name, f"http://{lab.gateway_address}/load", rate, host, keep_alive)


def of_paths(lab: Lab, host: str, paths: Sequence[str], rate: int) -> Stream:
    """Through the gateway, the paths in turn, over kept connections."""
    first, *more = (f"http://{lab.gateway_address}{path}" for path in paths)
    return Stream("gateway, several paths", first, rate, host, keep_alive=True, more_urls=tuple(more))


def through_https(lab: Lab, host: str, authority: Path, rate: int = 50) -> Stream:
    """Over kept connections, with HTTP/2 where the gateway has it; `authority` is the file of the CA to trust."""
    options = (f"-root-certs={authority}", f"-connect-to={host}:443:{lab.gateway_address}:443")
    return Stream("gateway, https", f"https://{host}/load", rate, keep_alive=True, options=options)


def from_pod(namespace: str, pod: str, url: str, rate: int = 20) -> Stream:
    return Stream(f"pod {pod}", url, rate, pod=(namespace, pod))


@contextmanager
def load(lab: Lab, streams: Sequence[Stream]) -> Iterator[list[Counted]]:
    """Keeps the streams up during the block, and a little before and after; the list is filled at its end."""
    counted: list[Counted] = []
    with tempfile.TemporaryDirectory() as directory:
        senders = [_Sender(lab, stream, Path(directory, f"{n}.gob")) for n, stream in enumerate(streams)]
        try:
            time.sleep(LEAD_SECONDS)
            yield counted
            time.sleep(TRAIL_SECONDS)
        finally:
            for sender in senders:
                sender.stop()
        counted += [sender.count() for sender in senders]


def post_each(lab: Lab, url: str, host: str, bodies: Sequence[bytes], rate: int) -> dict[str, int]:
    """Sends every body once, at a constant rate where the answers' speed allows it; returns how many requests got
    which status, "0" for none."""
    request = {"method": "POST", "url": url, "header": {"Host": [host], "Content-Type": ["application/json"]}}
    targets = (json.dumps({**request, "body": base64.b64encode(body).decode()}) for body in bodies)
    # Lazy: it ends when it has read, and sent, all of them.
    attack = ["vegeta", "attack", "-lazy", "-format=json", f"-rate={rate}", "-max-workers=16", "-timeout=30s"]
    sent = lab.run(
        *attack,
        input="".join(f"{target}\n" for target in targets).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=LONGEST_SECONDS,
    )
    statuses = Counter(row[1] for row in _rows(sent.stdout) if row[5] != END)
    return dict(statuses)


def _rows(results: bytes) -> Iterator[list[str]]:
    """vegeta's results, each a row of its CSV: time and latency in ns, a body in base64, and so on."""
    encode = [str(programs.binary("vegeta")), "encode", "-to=csv"]
    encoded = subprocess.run(encode, input=results, check=True, capture_output=True)
    return csv.reader(encoded.stdout.decode().splitlines())


class _Sender:
    """One running vegeta."""

    def __init__(self, lab: Lab, stream: Stream, results: Path) -> None:
        self.lab, self.stream, self.results = lab, stream, results
        with results.open("wb") as out:
            self.process = lab.start(
                *self._in_pod("sh", "-c", stream.attack()),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
            )

    def stop(self) -> None:
        """Ends sending and waits for the answers still to come."""
        if self.process.poll() is None:
            # By pid: `kubectl exec` and the way into the lab pass no signals on.
            self.lab.run(*self._in_pod("sh", "-c", f"kill -INT $(cat {self.stream.pid_file})"), check=False)
        try:
            _, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise LabError(f"load {self.stream.name}: vegeta did not end") from None
        if not self.results.stat().st_size:
            raise LabError(f"load {self.stream.name}: no request was sent: {errors.decode()}")

    def _in_pod(self, *command: str) -> tuple[str, ...]:
        if self.stream.pod is None:
            return command
        namespace, name = self.stream.pod
        return ("kubectl", "exec", f"--namespace={namespace}", name, "--container=client", "--", *command)

    def count(self) -> Counted:
        return summarize(self.stream.name, _rows(self.results.read_bytes()))


def summarize(stream: str, results: Iterable[Sequence[str]]) -> Counted:
    """Counts results. A body reads "nginx <version> <pod>"."""
    failures: Counter[str] = Counter()
    answered_by: Counter[str] = Counter()
    answers, moments = [], []
    latencies_of: defaultdict[str, list[float]] = defaultdict(list)
    for begun, status, latency, _, _, error, body, _, _, _, url, *_ in results:
        text = base64.b64decode(body).decode(errors="replace")
        if status == "200" and not error:
            words = text.split()
            answered_by[words[1] if len(words) > 1 else "?"] += 1
            answers.append((int(begun) + int(latency)) / 1e9)
            latencies_of[url].append(int(latency) / 1e9)
        else:
            failures[error if status == "0" else f"{status} {text[:100].strip()}"] += 1
            moments.append(int(begun) / 1e9)
    answers.sort()
    gaps = (later - earlier for earlier, later in itertools.pairwise(answers))
    return Counted(
        stream=stream,
        sent=answered_by.total() + failures.total(),
        failures=failures,
        answered_by=answered_by,
        longest_gap=max(gaps, default=0.0),
        moments=tuple(sorted(moments)),
        latencies=tuple(sorted(itertools.chain.from_iterable(latencies_of.values()))),
        latencies_of={url: tuple(sorted(each)) for url, each in latencies_of.items()},
    )
