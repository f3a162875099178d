"""A command that serves, with its event loop's turns measured: `python -m benchmarks.attacked FILE COMMAND...`.

While a turn of the loop lasts, everybody waits. The longest one since somebody emptied FILE stands in it as two
numbers, seconds of the clock and seconds of the thread's own CPU: the second is what the server itself is to blame
for, the rest of the first is a machine that had other things to do.
"""

from __future__ import annotations

import asyncio
import mmap
import selectors
import struct
import sys
import time
from pathlib import Path
from typing import Any, Final

TURN: Final = struct.Struct("dd")


class Turns(selectors.DefaultSelector):
    """A selector that measures what is done between two looks at it."""

    def __init__(self, file: Path) -> None:
        """Takes the file, of `TURN`."""
        super().__init__()
        with file.open("r+b") as opened:
            self._longest = mmap.mmap(opened.fileno(), TURN.size)
        self._began: tuple[float, float] | None = None

    def select(self, timeout: float | None = None) -> Any:
        """See `selectors`."""
        if self._began is not None:
            wall, cpu = time.monotonic() - self._began[0], time.thread_time() - self._began[1]
            longest = TURN.unpack_from(self._longest)
            if wall > longest[0] or cpu > longest[1]:
                TURN.pack_into(self._longest, 0, max(wall, longest[0]), max(cpu, longest[1]))
        found = super().select(timeout)
        self._began = time.monotonic(), time.thread_time()
        return found


def main(arguments: list[str]) -> int:
    """The command; see the module."""
    file = Path(arguments[0])

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            return asyncio.SelectorEventLoop(Turns(file))

    asyncio.set_event_loop_policy(Policy())
    sys.argv = ["talos-resources", *arguments[1:]]
    from talos_resources.__main__ import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
