"""The kill switch with nothing installed: `python3 -m kill_switch` in this checkout.

It is the package of the command `mirrored-service stop-mirroring`, found without what the component needs.
"""

from pathlib import Path

_CODE = Path(__file__).parents[1] / "components" / "mirrored_service" / "commands" / "kill_switch"
__path__ = [str(_CODE)]
