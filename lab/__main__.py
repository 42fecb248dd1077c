"""The lab's command line: python -m lab up | down | status | logs | kubectl | env."""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from lab.build import programs
from lab.cluster import status
from lab.cluster.lab import DEFAULT_DIRECTORY, Lab
from lab.errors import LabError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="A real Kubernetes with Istio on this machine."
    )
    parser.add_argument(
        "--dir", type=Path, default=DEFAULT_DIRECTORY, help="the lab's directory (default: .lab)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser(
        "up", help="start the lab; the first time this builds its tools, which takes some minutes"
    )
    verbs.add_parser("down", help="end the lab and remove all of it but its logs")
    shown = verbs.add_parser("status", help="what runs, how much memory it takes, and where to reach it")
    shown.add_argument("--json", action="store_true", help="for programs")
    logs = verbs.add_parser("logs", help="the log of a component; without a name, which there are")
    logs.add_argument("component", nargs="?")
    logs.add_argument("--tail", type=int, default=100, metavar="N", help="the last N lines (default: 100)")
    verbs.add_parser("kubectl", help="kubectl for this lab, with all its arguments", add_help=False)
    verbs.add_parser(
        "env", help='shell variables for pulumi and kubectl by hand: eval "$(python -m lab env)"'
    )
    return parser


def _kubectl(lab: Lab, arguments: list[str]) -> int:
    if not lab.is_up:
        raise LabError("the lab is down: `python -m lab up` starts it")
    command = [str(programs.binary("kubectl")), *arguments]
    return subprocess.run(command, env={**os.environ, **lab.client_environment()}).returncode


def _status(lab: Lab, as_json: bool) -> int:
    found = status.collect(lab)
    print(json.dumps(found, indent=2) if as_json else status.as_text(found))
    return 0 if found["up"] else 1


def _logs(lab: Lab, component: str | None, count: int) -> int:
    names = sorted(path.stem for path in lab.layout.logs.glob("*.log"))
    if component is None:
        print("\n".join(names))
        return 0
    if component not in names:
        raise LabError(f"there is no log of {component!r}; there are {', '.join(names) or 'none yet'}")
    with lab.layout.log(component).open(errors="replace") as file:
        print("".join(file.readlines()[-count:]), end="")
    return 0


def _env(lab: Lab) -> int:
    if not lab.is_up:
        raise LabError("the lab is down: `python -m lab up` starts it")
    variables = lab.environment(lambda text: print(text, file=sys.stderr))
    for name, value in sorted(variables.items()):
        print(f"export {name}={shlex.quote(value)}")
    return 0


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit status."""
    # What follows `kubectl` is kubectl's: argparse would take its options for ours.
    own = arguments[: arguments.index("kubectl") + 1] if "kubectl" in arguments else arguments
    options = _parser().parse_args(own)
    lab = Lab(options.dir)
    if options.verb == "up":
        lab.up()
    elif options.verb == "down":
        lab.down()
    elif options.verb == "status":
        return _status(lab, options.json)
    elif options.verb == "logs":
        return _logs(lab, options.component, options.tail)
    elif options.verb == "kubectl":
        return _kubectl(lab, arguments[len(own) :])
    elif options.verb == "env":
        return _env(lab)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
