"""What was compared: everything that verdict and page need to know of one run."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_report.collect.pods import Restart
from shadow_report.collect.tally import Gap
from shadow_report.compare.contents import Contents
from shadow_report.compare.tallies import Comparison


@dataclass(frozen=True)
class Source:
    """One file that was read. `problems`: a few bad lines, with their place and what is wrong with them; `own`:
    lines that the proxy said of itself, which are not among `lines`."""

    name: str
    format: str
    lines: int
    bad: int = 0
    problems: tuple[str, ...] = ()
    own: int = 0


@dataclass(frozen=True)
class Sample:
    """A request that only the other version answered with an error."""

    route: str
    path: str
    request_id: str
    reference: str
    other: str
    flags: str = "-"


@dataclass(frozen=True)
class Pod:
    """The requests of one pod within the window, of those that are copied. Latencies are in microseconds, None
    where no line tells one."""

    side: str
    name: str
    requests: int
    server_errors: int
    unfinished: int
    p50_us: float | None
    p95_us: float | None


@dataclass(frozen=True)
class Worse:
    """How many answers got worse in one way, and the flags that the shadow's proxy gave them."""

    reference: str
    other: str
    flags: str
    requests: int


@dataclass(frozen=True)
class Left:
    """Lines or requests that were left out, and why."""

    what: str
    number: int


@dataclass(frozen=True)
class Side:
    """What the logs hold of one side. `offset_us`: how far its clocks are ahead of the live version's."""

    versions: tuple[str, ...]
    lines: int
    pods: int
    first_us: int = 0
    last_us: int = 0
    offset_us: int = 0

    @property
    def name(self) -> str:
        return ", ".join(self.versions)


@dataclass(frozen=True)
class Run:
    """`sides` by "live", "shadow", "control"; `window_us` is what was compared, after its edges were cut off;
    `measure` is "app" (the app's own time) or "total" (the proxy's whole time); `not_collected` is what the
    collector could not have of the window, None if no collector said; `grpc_unknown` is how many calls by gRPC
    have no gRPC status; `late_us` is how much later the shadow's log begins, if the window was cut for it;
    `engine` is what made the aggregates; `restarts` are those of containers, None if no collector watched;
    `contents` is what the answers hold, None if no log tells."""

    sides: dict[str, Side]
    sources: tuple[Source, ...]
    window_us: tuple[int, int]
    edge_seconds: float
    mirror_percent: float
    methods: tuple[str, ...]
    measure: str
    funnel: tuple[Left, ...]
    left_out: tuple[Left, ...]
    shadow: Comparison
    control: Comparison | None = None
    samples: tuple[Sample, ...] = ()
    pods: tuple[Pod, ...] = ()
    worse: tuple[Worse, ...] = ()
    templates: tuple[str, ...] = ()
    not_collected: tuple[Gap, ...] | None = None
    grpc_unknown: int = 0
    late_us: int = 0
    engine: str = "duckdb"
    restarts: tuple[Restart, ...] | None = None
    contents: Contents | None = None

    @property
    def lines(self) -> int:
        return sum(source.lines for source in self.sources)

    @property
    def bad_lines(self) -> int:
        return sum(source.bad for source in self.sources)

    def concerns(self, gap: Gap) -> bool:
        """Is it about a version that is compared, and about the window?"""
        first, last = self.window_us
        return self._compares(gap.version) and gap.begin <= last * 1000 and gap.end >= first * 1000

    def saw(self, restart: Restart) -> bool:
        """Was it of a version that is compared, and within the window?"""
        first, last = self.window_us
        return self._compares(restart.version) and first * 1000 <= restart.at <= last * 1000

    def _compares(self, version: str) -> bool:
        return any(version in side.versions for side in self.sides.values())

    @property
    def days(self) -> bool:
        """Does the window span more than one day, in UTC?"""
        first, last = (each // 86_400_000_000 for each in self.window_us)
        return first != last

    @property
    def seconds(self) -> float:
        return (self.window_us[1] - self.window_us[0]) / 1e6
