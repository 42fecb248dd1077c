"""python -m kill_switch: the switch by itself, where nothing is installed."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
