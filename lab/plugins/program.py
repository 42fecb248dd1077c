"""Runs one Pulumi program: the process that the language host starts for each `pulumi up` or `preview`.

A process of its own, as with the official host: whatever a program does to its interpreter ends with it, and
it may run under another interpreter than the host. So this file uses nothing of the lab, only the program's own
SDK.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pulumi
import pulumi.runtime


def main() -> None:
    """Runs the program that the JSON object in the first argument describes; its config is in the environment."""
    settings = json.loads(sys.argv[1])
    _configure(settings)
    os.chdir(settings["directory"])
    program = Path(settings["entry_point"]).resolve()
    if program.is_dir() and not (program / "__main__.py").exists():
        pulumi.log.error(f"unable to find main python program `__main__.py` in `{program}`")
        sys.exit(settings["message_shown"])
    sys.argv = [settings["entry_point"], *settings["args"]]
    sys.excepthook = _Reporter(program, settings["message_shown"])
    signal.signal(signal.SIGINT, _stop)
    # Python complains about every future that a failed program leaves behind; the error itself says enough.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    _run(settings["entry_point"], settings["parallel"])


def _configure(settings: dict[str, Any]) -> None:
    config, secret_keys = pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    pulumi.runtime.set_all_config(config, secret_keys)
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=settings["project"],
            stack=settings["stack"],
            parallel=settings["parallel"],
            monitor=settings["monitor"],
            engine=settings["engine"],
            dry_run=settings["dry_run"],
            organization=settings["organization"],
            root_directory=settings["root_directory"],
        )
    )


def _run(entry_point: str, parallel: int) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Each resource that is being made occupies a thread; outputs and invokes need some as well.
    executor = ThreadPoolExecutor(max_workers=max(parallel, 1) * 4)
    loop.set_default_executor(executor)

    def program() -> None:
        runpy.run_path(entry_point, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(program))
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """The update was cancelled, or failed elsewhere: the user has seen why, a traceback would only hide it."""
    sys.stdout.flush()
    os._exit(130)


class _Reporter:
    """Shows an exception that nobody caught, and sets the exit status that goes with it."""

    def __init__(self, program: Path, message_shown: int) -> None:
        self._program = program
        self._message_shown = message_shown

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        # The interpreter would always exit with 1, and wait for threads that may hang on the failed update.
        os._exit(self._report(kind, error, trace))

    def _report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> int:
        if isinstance(error, pulumi.RunError):
            pulumi.log.error(str(error))
            return 1
        text = "".join(traceback.format_exception(kind, error, self._own_frames(trace)))
        pulumi.log.error(f"Program failed with an unhandled exception:\n{text}")
        return self._message_shown

    def _own_frames(self, trace: TracebackType | None) -> TracebackType | None:
        """The traceback from the program's main file on: what led there is Pulumi's and this file's."""
        main = self._program / "__main__.py" if self._program.is_dir() else self._program
        found = trace
        while found is not None:
            if Path(found.tb_frame.f_code.co_filename).resolve() == main:
                return found
            found = found.tb_next
        return trace


if __name__ == "__main__":
    main()
