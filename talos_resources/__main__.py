"""`python -m talos_resources` and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    from talos_resources.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
