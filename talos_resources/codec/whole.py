"""Reading a file as a whole, up to a size that nothing of its kind has.

`/dev/zero` and a pipe that never ends would else be read until the memory is full.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Final

from talos_resources.model.errors import ConfigError

LARGEST: Final = 64 << 20
"""Bytes: thirty times the largest configuration that Talos takes."""


def read_whole(path: Path | None, *, name: str = "", largest: int = LARGEST, what: str = "configuration") -> bytes:
    """What is in a file.

    Args:
        path: of the file; None for stdin.
        name: how errors call it; by default its path.
        largest: how many bytes it may have; of a file that says that it has more nothing is read.
        what: what it should be, for errors.

    Raises:
        ConfigError: it has more.
        OSError: it cannot be read.
    """
    is_larger = False
    if path is None:
        data = sys.stdin.buffer.read(largest + 1)
    else:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            is_larger = stat.S_ISREG(status.st_mode) and status.st_size > largest
            data = b"" if is_larger else file.read(largest + 1)
    if is_larger or len(data) > largest:
        raise ConfigError(f"{name or path or 'stdin'} is larger than {largest >> 20} MB, which no {what} is; is it another file?")
    return data
