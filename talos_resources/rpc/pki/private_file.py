"""Writing files that hold secrets: readable by their owner alone, and never half written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write a file of mode 0600, whole or not at all; missing folders are made.

    Args:
        path: where; a symbolic link is followed, so that the link itself survives. What is no regular file
            (a terminal, /dev/null) is written to and not replaced.
        data: what.
        overwrite: False refuses when the file is there, also when it appears meanwhile.

    Raises:
        FileExistsError: the file exists and `overwrite` is false; it is left as it was.
        OSError: the file cannot be written; an older one is left as it was.
    """
    target = path.resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not overwrite:
        _write(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), target, data)
        return
    # mkstemp makes the file with mode 0600, so the secret is never readable by others, not even for a moment.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    _write(handle, Path(name), data)
    try:
        Path(name).replace(target)
    except OSError:
        Path(name).unlink()
        raise


def _write(handle: int, path: Path, data: bytes) -> None:
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        raise
