"""Databases that are deleted, replaced or out of reach while they are used: an error that says so, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.backends.sqlite import presence
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, WatchError
from talos_resources.model.resource import Resource
from talos_resources.resources import Member
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path, told


def _deleted(file: Path) -> None:
    file.unlink()


def _folder_deleted(file: Path) -> None:
    gone = file.parent.rename(file.parent.with_name("gone"))  # at once: a watch may look while one file is gone and another is not
    shutil.rmtree(gone)


def _replaced(file: Path) -> None:
    other = file.with_name("other.db")
    with SqliteState(other) as state:
        state.create(path("other"))
    other.replace(file)


def _log_deleted(file: Path) -> None:
    Path(f"{file}-wal").unlink()


def _log_replaced(file: Path) -> None:
    log = Path(f"{file}-wal")
    shutil.copy(log, file.with_name("copy"))
    file.with_name("copy").replace(log)


ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (_deleted, "it was deleted"),
    "folder deleted": (_folder_deleted, "it was deleted"),
    "replaced": (_replaced, "it was replaced"),
    "log deleted": (_log_deleted, "its log state.db-wal was deleted or replaced"),
    "log replaced": (_log_replaced, "its log state.db-wal was deleted or replaced"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_would_be_lost_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "LOOK_EVERY_S", 0)
    attack, reason = ATTACKS[name]
    file = tmp_path / "folder" / "state.db"
    file.parent.mkdir()
    with SqliteState(file) as state:
        state.create(path("a"))
        with state.watch_kind(PATHS, bootstrap=False) as events:
            attack(file)
            for refused in (lambda: state.create(path("b")), lambda: state.list(PATHS), lambda: state.watch_kind(PATHS)):
                with pytest.raises(ConfigError, match=reason):
                    refused()
            with pytest.raises(WatchError, match=reason):
                events.next(PATIENCE)
    if file.exists():  # what was acknowledged is there, and the new file is nobody's log's
        with SqliteState(file, create=False) as state:
            assert [found.id for found in state.list(PATHS)] == ["other" if name == "replaced" else "a"]
    elif file.parent.exists():
        assert list(file.parent.iterdir()) == []


def test_a_batch_whose_file_goes_meanwhile_is_not_acknowledged(state: SqliteState, file: Path) -> None:
    with pytest.raises(ConfigError, match="it was deleted"), state.batch():
        state.create(path("a"))
        file.unlink()


def test_a_file_that_is_put_back_is_gone_on_with(state: SqliteState, file: Path) -> None:
    state.create(path("a"))
    file.rename(file.with_name("elsewhere"))
    with pytest.raises(ConfigError, match="it was deleted"):
        state.create(path("b"))
    file.with_name("elsewhere").rename(file)
    state.create(path("b"))
    assert [found.id for found in state.list(PATHS)] == ["a", "b"]


def test_a_recording_whose_file_is_deleted_ends_with_an_error(tmp_path: Path) -> None:
    target = tmp_path / "mesh.db"
    command = [sys.executable, "-m", "talos_resources", "record", "--from", "demo", "--to", f"sqlite:{target}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as recorder:
        with SqliteState(target) as state, state.of_node("172.20.0.2").watch_kind(PATHS):
            pass
        assert recorder.stderr is not None
        recorder.stderr.readline()
        target.unlink()
        assert recorder.wait(60) == 1
        assert "it was deleted while it was open" in recorder.stderr.read().splitlines()[-1]


def _contents(folder: Path) -> dict[Path, bytes]:
    """Without the index, which SQLite keeps in order where it can be written."""
    return {found: found.read_bytes() for found in folder.iterdir() if not found.name.endswith("-shm")}


CAPABILITIES = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []
"""What takes from root that permissions do not hold for it."""


@pytest.mark.parametrize("left", ["nothing", "a log", "a log and its index"])
def test_a_recording_in_a_folder_that_can_only_be_read_opens(left: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "state.db"
    with SqliteState(tmp_path / "state.db") as state:
        state.of_node("n").create(Resource.new(Member(hostname="who"), id="a"))
        for ending in ("", *(("-wal",) if "log" in left else ()), *(("-shm",) if "index" in left else ())):
            shutil.copy(f"{state.path}{ending}", f"{file}{ending}")
    if left == "nothing":
        shutil.copy(tmp_path / "state.db", file)
    before = _contents(folder)
    folder.chmod(0o555)
    arguments = ["-m", "talos_resources", "get", "members", "--from", f"sqlite:{file}", "-o", "name"]
    script = (
        f"import os; assert not os.access({str(folder)!r}, os.W_OK); from talos_resources.cli.main import main; main({arguments[2:]!r})"
    )
    found = subprocess.run([*CAPABILITIES, sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (found.stdout.split("/")[-1], found.stderr) == ("a\n", "")
    assert _contents(folder) == before
    folder.chmod(0o755)


def test_a_recording_that_somebody_begins_to_write_is_not_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that nobody wrote to was opened as one that does not change."""
    file = tmp_path / "state.db"
    assert main(["dump", "--from", "demo", "--to", f"sqlite:{file}"]) == 0
    monkeypatch.setattr(presence, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with SqliteState(file, read_only=True) as state, SqliteState(file) as writer:
        with pytest.raises(ConfigError, match="somebody does now"):
            state.nodes()
        writer.create(path("a"))
        assert told(writer.watch_kind(PATHS), 1) == ["+a1"]
    assert capsys.readouterr().err == ""
