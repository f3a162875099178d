"""`python -m talos_resources` and the console script."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


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


def program() -> NoReturn:
    """Runs the command line of this process and ends it.

    With threads that nobody waits for it ends at once: CPython dies of one that imports while the interpreter takes itself
    apart, as six of a hundred recordings did (SIGSEGV, 3.11.7) that were stopped as soon as they had begun. What has to be
    written and closed is by then.
    """
    code = main()
    if _has_only_daemons():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):  # there is none, or nobody takes it
                continue
        os._exit(code)
    sys.exit(code)


def _has_only_daemons() -> bool:
    """Whether there are threads beside this one, and none that must have ended first."""
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    return bool(others) and all(thread.daemon for thread in others)


if __name__ == "__main__":
    program()
