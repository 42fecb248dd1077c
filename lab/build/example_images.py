"""The images of examples/orders: its service and PostgreSQL, made of Debian's packages when it is run."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path

from lab.build import packages
from lab.build.images import ACCOUNTS, Recipe
from lab.progress import Report

FILES = Path(__file__).with_name("files")
SERVICE = Path(__file__).parents[2] / "examples" / "orders" / "service" / "orders.py"
SHELL_COMMANDS = ("sh", "cat", "rm", "sleep")
# Users as numbers: only those show Kubernetes that they are not root.
NOBODY, POSTGRES = "65534:65534", "999:999"
# Nothing that runs here needs these parts of the packages, some of them large.
LEFT_OUT = ("*/test/*", "*/__pycache__/*", "*/idlelib/*", "*/pgxs/*", "*/bitcode/*", "*/llvmjit*", "*/man/*")


def recipes(report: Report) -> list[Recipe]:
    """The images, whose packages are fetched if they are not in the cache."""
    root = packages.provide_example(report)
    return [_service(root), _database(root)]


def _service(root: Path) -> Recipe:
    [python] = (root / "usr/bin").glob("python3.*")
    modules = {**_files(root, f"usr/lib/{python.name}"), **_files(root, "usr/lib/python3")}
    return Recipe(
        "lab.local/orders:1",
        ("/usr/bin/python3", "-u", "/srv/orders.py"),
        {"usr/bin/python3": python, **modules},
        texts={"srv/orders.py": SERVICE.read_text()},
        user=NOBODY,
    )


def _database(root: Path) -> Recipe:
    [home] = (root / "usr/lib/postgresql").iterdir()
    inside = str(home.relative_to(root))
    names = ("postgres", "initdb", "psql", "pg_isready")
    entrypoint = "usr/local/bin/postgres.sh"
    return Recipe(
        "lab.local/postgres:1",
        ("/bin/sh", f"/{entrypoint}"),
        {
            "bin/busybox": packages.command("busybox"),
            **{f"{inside}/bin/{name}": home / "bin" / name for name in names},
            **_files(root, f"{inside}/lib"),
            **_files(root, f"usr/share/postgresql/{home.name}"),
        },
        texts={
            entrypoint: (FILES / "postgres.sh").read_text(),
            # initdb wants its user to have a name.
            "etc/passwd": ACCOUNTS["etc/passwd"] + "postgres:x:999:999::/:/bin/sh\n",
        },
        links={
            **{f"bin/{name}": "busybox" for name in SHELL_COMMANDS},
            **{f"usr/bin/{name}": f"/{inside}/bin/{name}" for name in names},
        },
        directories=("var/lib/postgresql/data",),
        user=POSTGRES,
    )


def _files(root: Path, directory: str) -> dict[str, Path]:
    """The files below a directory of the packages, by their path inside the image."""
    found = {}
    for folder, _, names in os.walk(root / directory):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not any(fnmatch.fnmatch(str(path), pattern) for pattern in LEFT_OUT):
                found[str(path.relative_to(root))] = path
    return found
