"""python -m mirrored_service: the same as the program `mirrored-service`."""

import sys

from .commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
