"""Runs the command line tools of whoever runs a command, with their access."""

from __future__ import annotations

import subprocess

from .errors import CommandError

LIMIT_SECONDS = 60.0


def run(*command: str, given: str | None = None) -> str:
    """What a command prints, which is `given` this to read; CommandError with what it complains of."""
    shown = " ".join(command[:4])
    try:
        ran = subprocess.run(
            command,
            input=given or "",
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise CommandError(
            f'{command[0]} is not on PATH; for the lab run `eval "$(make -s env)"` first'
        ) from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"`{shown} ...` did not end within {LIMIT_SECONDS:.0f} s") from None
    if ran.returncode:
        raise CommandError(f"`{shown} ...`: {(ran.stderr or ran.stdout).strip()}")
    return ran.stdout
