"""`python -m shadow_report` is `shadow-report`."""

import sys

from shadow_report.cli import main

if __name__ == "__main__":
    sys.exit(main())
