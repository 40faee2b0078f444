"""`python -m rppgbench` is the command `bench`."""

import sys

from rppgbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
