"""`python -m talos_resources` and the console script."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    # Start-up and listings make many objects and next to no garbage: rarer collections save a tenth of the time.
    gc.set_threshold(100_000, 50, 100)
    try:
        from talos_resources.cli.main import main as run

        return run()
    except KeyboardInterrupt:  # before the command line was looked at
        return 130
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 makes one of Ctrl-C while classes are made
            return 130
        raise
    finally:
        # The interpreter looks through everything once more at its end; the process is over, so another tenth.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
