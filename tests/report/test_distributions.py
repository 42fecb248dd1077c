"""Each distribution of the project, installed into an environment of its own that has nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.kit.access_logs import Traffic, write

CHECKOUT = Path(__file__).parents[2]
INSTALLED = 570  # seconds: everything is fetched once


pytestmark = pytest.mark.timeout(2 * INSTALLED)


def installed(name: str, environment: Path) -> Path:
    """Where the programs are after `pip install` of a folder of the checkout."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=INSTALLED)
    programs = environment / "bin"
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", str(CHECKOUT / name)], check=True, timeout=INSTALLED)
    subprocess.run([*pip, "check"], check=True, timeout=60)
    return programs


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run outside the checkout, so that nothing is found there."""
    return subprocess.run([*map(str, command)], cwd="/", capture_output=True, text=True, timeout=120)


def test_the_report_alone_compares_and_collects(tmp_path: Path) -> None:
    program = installed("report", tmp_path / "environment") / "shadow-report"
    page = tmp_path / "report.html"
    done = ran(program, "compare", *write(tmp_path, Traffic()), "--live=v1", "--shadow=v2", "--out", page)
    assert (done.returncode, done.stderr) == (0, "")
    assert page.exists()
    arguments = ("--namespace=shop", "--app=shop", "--output", tmp_path / "kept", "--kubeconfig=/nowhere")
    collecting = ran(program, "collect", *arguments)
    assert collecting.returncode == 2
    assert "shadow-report: no way to the cluster: " in collecting.stderr


def test_the_component_alone_checks_its_arguments(tmp_path: Path) -> None:
    python = installed("components", tmp_path / "environment") / "python"
    program = "from mirrored_service import MirroredService; MirroredService('shop', {'name': 'Shop'})"
    done = ran(python, "-c", program)
    assert "InvalidArgsError" in done.stderr
    assert "name: 'Shop' is not allowed" in done.stderr
