"""Writing files that hold secrets: readable by their owner alone, and never half written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write a file of mode 0600, whole or not at all; missing folders are made.

    Args:
        path: where; a symbolic link is followed, so that the link itself survives.
        data: what.
        overwrite: False refuses when the file is there, also when it appears meanwhile.

    Raises:
        FileExistsError: the file exists and `overwrite` is false; it is left as it was.
        OSError: the file cannot be written; an older one is left as it was.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file with mode 0600, so the secret is never readable by others, not even for a moment.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(target)
        else:
            target.hardlink_to(temporary)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
