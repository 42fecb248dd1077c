"""Where built tools, unpacked packages and images are kept: per user, so that every clone shares them."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.progress import duration

LOCK_LIMIT = 60 * 60.0  # longer than the slowest build


def root() -> Path:
    """The cache's directory; it may be deleted at any time when no lab is up."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "mirrored-service"


def key(*parts: str | bytes) -> str:
    """A short name for exactly these parts: another part, or another order, gives another name."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:12]


@contextmanager
def lock(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds a lock file, so that two labs that start at once do not make the same thing twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        begin = time.monotonic()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                spent = time.monotonic() - begin
                if spent > LOCK_LIMIT:
                    raise LabError(f"{path} is held for {duration(spent)}: see `fuser {path}`") from None
                waiting(f"another `up` or `down` is at it, waiting for {duration(spent)}")
                time.sleep(1)
        yield


def make_once(target: Path, make: Callable[[Path], None], waiting: Callable[[str], None]) -> Path:
    """Has `make` fill a directory and renames it to `target`, which is therefore either whole or absent."""
    if target.is_dir():
        return target
    with lock(target.with_name(target.name + ".lock"), waiting):
        if not target.is_dir():
            unfinished = target.with_name(target.name + ".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            make(unfinished)
            unfinished.rename(target)
    return target
