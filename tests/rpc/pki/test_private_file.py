"""Files with secrets: private, whole, and never in place of something that is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from talos_resources.rpc.pki.private_file import write_private


def test_an_existing_file_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_private(tmp_path / "b" / "c" / "a", b"x", overwrite=False)
    assert [path.name for path in (tmp_path / "b" / "c").iterdir()] == ["a"]
    assert (tmp_path / "b" / "c" / "a").stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    write_private(tmp_path / "a", b"1", overwrite=False)
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "a", b"2", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"1"


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_pipe_is_written_to_and_stays(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_private(path, b"secret", overwrite=overwrite)
        assert os.read(reader, 100) == b"secret"
        assert path.is_fifo()
    finally:
        os.close(reader)


def test_a_folder_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "d", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
