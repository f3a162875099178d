"""Writing files that hold secrets: readable by their owner alone, never half written, and by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL}
"""What file systems say that have no locks for folders, such as NFS."""

_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


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
    write_private_files({path: data}, overwrite=overwrite)


def write_private_files(files: Mapping[Path, bytes], *, overwrite: bool = True) -> None:
    """Write files as `write_private` does: all of them, or none if one cannot be written.

    Args:
        files: path → contents.
        overwrite: see `write_private`.

    Raises:
        FileExistsError: one exists and `overwrite` is false; its path is in `filename`.
        OSError: one cannot be written; `filename` says which.
    """
    parts: dict[Path, Path] = {}
    made: list[Path] = []
    with contextlib.ExitStack() as afterwards:  # parts go before the folders that they are in
        for path, data in files.items():
            with _named(path):
                target = _resolved(path)
                if target.exists() and not target.is_file() and not target.is_dir():
                    target.write_bytes(data)
                    continue
                afterwards.enter_context(folder_for_files(target.parent))
                parts[path] = _part(target, data)
                afterwards.callback(parts[path].unlink, missing_ok=True)
        try:
            for path, part in parts.items():
                with _named(path):
                    _place(part, _resolved(path), overwrite=overwrite)
                made += () if overwrite else (path,)
        except BaseException:
            for path in made:  # those were not there before
                path.unlink(missing_ok=True)
            raise


@contextmanager
def folder_for_files(folder: Path, *, mode: int = 0o777) -> Iterator[None]:
    """A folder, made if it is missing, as are those above it; those of them that have stayed empty are removed afterwards.

    Args:
        folder: to write into.
        mode: of the folder, less the umask.

    Raises:
        OSError: it cannot be made.
    """
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        yield
    finally:
        with contextlib.suppress(OSError):  # there is something in it
            for each in new:
                each.rmdir()


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """One process at a time that reads a file and writes it again: what another one has written meanwhile is not lost.

    The folder is what is locked, for the file itself is replaced. Folders that are missing are made, and removed
    again if nothing has been written. Systems and file systems without locks for folders let everybody in.

    Raises:
        OSError: the folder cannot be made or opened.
    """
    folder = _resolved(path).parent
    with folder_for_files(folder), _opened(folder) as handle:
        if handle is not None:
            _lock(handle)
        yield


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """A descriptor of a folder; None on Windows, where folders cannot be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        yield None
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _resolved(path: Path) -> Path:
    """Where a path leads.

    Raises:
        OSError: its links lead in circles.
    """
    try:
        found = path.resolve()
    except RuntimeError:  # what pathlib says of it up to Python 3.12; from then on it leads to a link
        found = path
    if found.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return found


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors name the file that was asked for: those of a full disk name none, others that of the part."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _part(target: Path, data: bytes) -> Path:
    """The data in a file beside the target, safely on disk."""
    # The file is made with mode 0600, so the secret is never readable by others, not even for a moment.
    part = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink()
        raise
    return part


def _place(part: Path, target: Path, *, overwrite: bool) -> None:
    """Gives a part its name."""
    if overwrite:
        part.replace(target)
    else:
        try:
            target.hardlink_to(part)  # fails where there is something already, also if that is new
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            part.replace(target)
    with contextlib.suppress(OSError), _opened(target.parent) as folder:  # some file systems have no such thing
        if folder is not None:
            os.fsync(folder)
