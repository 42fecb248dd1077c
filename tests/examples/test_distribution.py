"""What `pip install ./components` gives a program."""

import subprocess
import sys
from pathlib import Path

from lab.cluster.layout import CHECKOUT

PROGRAM = """
import mirrored_service, pathlib
from mirrored_service.commands.command_line import main
print(pathlib.Path(mirrored_service.__file__).parent, mirrored_service.MirroredService.__name__)
print(main(["stop-mirroring", "--service", "shop"]))
"""


def test_the_component_installs_without_this_checkout_and_brings_types_and_program(
    tmp_path: Path,
) -> None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*install, str(CHECKOUT / "components")], check=True, cwd=tmp_path)
    # -S: without this environment's own editable installation; Pulumi's packages come from it all the same.
    paths = [str(tmp_path), *(path for path in sys.path if path.endswith("site-packages"))]
    said = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {paths!r}\n{PROGRAM}"],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert said == [str(tmp_path / "mirrored_service"), "MirroredService", "1"]
    assert (tmp_path / "bin" / "mirrored-service").exists()
    assert (tmp_path / "mirrored_service" / "py.typed").exists()
