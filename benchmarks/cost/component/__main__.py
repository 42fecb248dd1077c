"""One component for each service; their arguments come from a file."""

import json
from pathlib import Path

import pulumi

from mirrored_service import MirroredService

config = pulumi.Config()
services = json.loads(Path(config.require("file")).read_text())
for args in services[: config.require_int("services")]:
    MirroredService(args["name"], args)
