"""Runs the command line tools of whoever pulled the switch, with their access."""

from __future__ import annotations

import subprocess

from .errors import SwitchError

LIMIT_SECONDS = 60.0


def run(*command: str) -> str:
    """What a command prints; SwitchError with what it complains of."""
    shown = " ".join(command[:4])
    try:
        ran = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise SwitchError(
            f'{command[0]} is not on PATH; for the lab run `eval "$(make -s env)"` first'
        ) from None
    except subprocess.TimeoutExpired:
        raise SwitchError(f"`{shown} ...` did not end within {LIMIT_SECONDS:.0f} s") from None
    if ran.returncode:
        raise SwitchError(f"`{shown} ...`: {(ran.stderr or ran.stdout).strip()}")
    return ran.stdout
