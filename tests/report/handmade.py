"""A few lines at a time, for what a single line or pair means."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

from lab.kit.access_logs import START
from shadow_report.compare import engine, files, formats
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Run
from shadow_report.compare.settings import Settings
from tests.generated import steady

Line = dict[str, Any]
generated = settings(steady, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
VERSIONS: dict[str, tuple[str, ...]] = {"live": ("v1",), "shadow": ("v2",)}
ID = "5f1b0c1e-9a3d-4c6e-8f00-0123456789ab"


def line(version: str, second: float, request_id: str = ID, **changes: Any) -> Line:
    """A good line, that many seconds after the start."""
    start = datetime.fromtimestamp(START + second, UTC).isoformat(timespec="microseconds")
    return {
        "request_id": request_id,
        "method": "GET",
        "path": "/orders/7",
        "status": 200,
        "flags": "-",
        "start_time": start,
        "duration_ms": 21,
        "app_us": 20_000,
        "bytes_sent": 100,
        "xff": "10.1.2.3" if version == "v1" else "10.1.2.3,10.244.0.4",
        "pod": f"shop-{version}",
        "version": version,
        **changes,
    }


def both(
    second: float, request_id: str = ID, live: int = 200, shadow: int = 200, **changes: Any
) -> list[Line]:
    """A request and its copy."""
    return [
        line("v1", second, request_id, status=live, **changes),
        line("v2", second + 0.001, request_id, status=shadow, **changes),
    ]


def run(directory: Path, lines: Iterable[Line], **options: Any) -> Run:
    """What the engine makes of them, with lines long before and after so that none lies at an edge."""
    around = [*both(-1000, "before"), *both(1000, "after")]
    file = directory / "lines.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in (*around, *lines)))
    comparing = options.pop("comparing", Comparing(VERSIONS, ("GET",)))
    return engine.compare([formats.recognise(files.Input(file))], Settings(comparing, **options))


def answers(run: Run) -> Counter[tuple[str, str]]:
    """What the two sides answered."""
    return run.shadow.by_route[""].answers
