"""Reads the table of mounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo."""

    root: str
    point: str
    kind: str
    options: str


def mounts() -> Iterator[Mount]:
    """The mounts that this process sees, in the order in which they were made."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        fields, (name, _, options) = place.split(), kind.split(maxsplit=2)
        # The kernel writes blanks and alike as octal escapes.
        point = fields[4].encode().decode("unicode_escape")
        yield Mount(fields[3], point, name, options)
