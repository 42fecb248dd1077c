"""Tells how it goes: one line that changes on a terminal, a line now and then elsewhere, or JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from shadow_report.collect.summary import FILE
from shadow_report.words import count

EVERY_SECONDS = 10.0  # between two lines of progress in a log


class Show:
    """Prints events as they come."""

    def __init__(self, *, as_json: bool, out: TextIO = sys.stdout) -> None:
        self._json = as_json
        self._out = out
        self._in_place = not as_json and out.isatty()
        self._told = -EVERY_SECONDS

    def event(self, kind: str, values: Mapping[str, Any]) -> None:
        """Shows what happened."""
        if self._json:
            self._print(json.dumps({"event": kind, "time": time.time(), **values}))
        elif kind == "progress":
            self._progress(progress_text(values))
        elif (text := event_text(kind, values)) is not None:
            self._clear()
            self._print(text)

    def _progress(self, text: str) -> None:
        if self._in_place:
            self._clear()
            self._out.write(text)
            self._out.flush()
        elif time.monotonic() - self._told >= EVERY_SECONDS:
            self._told = time.monotonic()
            self._print(text)

    def _clear(self) -> None:
        if self._in_place:
            self._out.write("\r\033[K")

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def event_text(kind: str, values: Mapping[str, Any]) -> str | None:
    """What a person is told of an event; None if it is only for programs."""
    match kind:
        case "pod":
            return f"{values['pod']} ({values['version']}): {values['state']}"
        case "gap":
            return f"not had: {values['text']}"
        case "removed":
            return f"--max-disk is reached: removed the oldest {count(values['requests'], 'request')}"
        case "warning" | "restart":
            return str(values["text"])
        case "done":
            return summary_text(values)
    return None


def progress_text(values: Mapping[str, Any]) -> str:
    """One line: how long, who, how many, and what could not be had."""
    pods = count(sum(values["pods"].values()), "pod")
    parts = [
        f"{_clock(values['seconds'])}  {pods}",
        _requests(values["requests"]),
        f"{size(values['bytes'])} in {count(values['files'], 'file')}",
    ]
    if values["interruptions"]:
        parts.append(count(values["interruptions"], "interruption"))
    if values["gaps"]:
        parts.append(count(len(values["gaps"]), "gap"))
    return " · ".join(parts)


def summary_text(values: Mapping[str, Any]) -> str:
    """What was collected, and what was not."""
    lines = [
        f"collected {_requests(values['requests'])} from {values['from']} to {values['to']}",
        f"{size(values['bytes'])} in {count(values['files'], 'file')}",
        f"{count(values['other_lines'], 'other line')} of the proxies",
        f"{count(values['known_lines'], 'line')} came again after "
        f"{count(values['interruptions'], 'interruption')} and {count(values['restarts'], 'restart')}, "
        "and were not kept twice",
    ]
    lines += [
        f"{count(number, 'line')} could not be read: {why}" for why, number in values["bad_lines"].items()
    ]
    if values["removed_requests"]:
        lines.append(f"{count(values['removed_requests'], 'request')} removed to stay below --max-disk")
    if not values["gaps"]:
        lines.append("nothing is known to be missing")
    about = [gap["about_lines"] for gap in values["gaps"]]
    if about:
        known = sum(number for number in about if number is not None)
        lines.append(f"{count(len(about), 'gap')}, about {count(known, 'line')}; see {FILE}")
    return "\n".join(lines)


def size(number: int) -> str:
    """Bytes as a person says them."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _requests(by_version: Mapping[str, int]) -> str:
    if not by_version:
        return "no requests"
    each = ", ".join(f"{version} {number:,}" for version, number in sorted(by_version.items()))
    return f"{count(sum(by_version.values()), 'request')} ({each})"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"
