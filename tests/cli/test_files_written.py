"""Files that commands write and edit: by several at once, on a disk that is full, by one that is killed."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.sources import open_source
from talos_resources.talosconfig.config import TalosConfig

ENDPOINT = "https://mycluster.local:6443"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, as if the disk were full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def at_once(commands: Sequence[Sequence[str]]) -> list[int]:
    """The exit codes of commands that run at the same time."""
    started = [subprocess.Popen([sys.executable, "-m", "talos_resources", *command], stderr=subprocess.DEVNULL) for command in commands]
    return [each.wait(120) for each in started]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_no_edit_of_a_talosconfig_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "new" / "talosconfig"
    commands = [["config", "--talosconfig", str(file), "add", f"c{n:02}"] for n in range(12)]
    assert at_once(commands) == [0] * 12
    assert sorted(TalosConfig.load(file).contexts) == [f"c{n:02}" for n in range(12)]
    kept = ["config", "--talosconfig", str(file)]
    edits = [[*kept, "endpoint", f"10.0.0.{n}", "--context", f"c{n:02}"] for n in range(6)]
    assert at_once([*edits, [*kept, "remove", "c1?", "-y"], [*kept, "context", "c09"]]) == [0] * 8
    config = TalosConfig.load(file)
    assert (sorted(config.contexts), config.current) == ([f"c{n:02}" for n in range(10)], "c09")
    assert [config.contexts[f"c{n:02}"].endpoints for n in range(6)] == [(f"10.0.0.{n}",) for n in range(6)]
    assert names(file.parent) == ["talosconfig"]


def test_no_patch_of_a_configuration_is_lost(tmp_path: Path) -> None:
    assert main(["gen", "config", "c", ENDPOINT, "-t", "worker", "-o", str(tmp_path / "worker.yaml")]) == 0
    file = str(tmp_path / "worker.yaml")
    patches = [f'[{{"op": "add", "path": "/machine/certSANs/-", "value": "10.0.0.{n}"}}]' for n in range(5)]
    start = '{"machine": {"certSANs": ["10.0.0.9"]}}'
    assert main(["machineconfig", "patch", file, "-p", start, "-o", file]) == 0
    assert at_once([["machineconfig", "patch", file, "-p", patch, "-o", file] for patch in patches]) == [0] * 5
    assert [text for n in range(5) if (text := f"10.0.0.{n}") not in Path(file).read_text()] == []


def test_an_edit_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    assert main(["config", "--talosconfig", str(tmp_path / "a" / "b" / "talosconfig"), "context", "none"]) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["folder", "new/folder", "empty", "all.zip", "all.yaml", "new/and/newer/all.wire.json", "sqlite:all.db"])
def test_a_dump_on_a_full_disk_is_none_and_may_be_tried_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "empty":
        Path(name).mkdir()
    before = names(tmp_path)
    with room_for(3000):
        assert main(["dump", "--from", "demo", "--to", name]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(rf"[ :]{name.removeprefix('sqlite:')}:", error)
    assert names(tmp_path) == before
    assert name != "empty" or names(tmp_path / name) == []
    assert main(["dump", "--from", "demo", "--to", name]) == 0
    with open_source(name) as written, open_source("demo") as demo:
        assert written.nodes == demo.nodes


def test_a_dump_that_was_killed_may_be_tried_again(tmp_path: Path) -> None:
    target = tmp_path / "dump"
    (target / ".dump.killed" / "node").mkdir(parents=True)
    assert main(["dump", "--from", "demo", "--to", str(target)]) == 0
    with open_source(str(target)) as written, open_source("demo") as demo:
        assert written.nodes == demo.nodes


def test_configurations_are_written_together_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cluster"
    large = '{"machine": {"nodeAnnotations": {"a": "%s"}}}' % ("x" * 100_000)
    command = ["gen", "config", "c", ENDPOINT, "-o", str(folder), "--config-patch-worker", large]
    with room_for(50_000):
        assert main(command) == 1
    assert f"cannot write {folder}/worker.yaml" in capsys.readouterr().err
    assert names(tmp_path) == []
    assert main(command) == 0
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    with room_for(50_000):
        assert main([*command, "--force"]) == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept


@pytest.mark.parametrize("command", ["gen secrets -o {}", "machineconfig patch {} -o {}", "machineconfig migrate {} -o {}"])
def test_what_cannot_be_written_stays_as_it_was(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "worker.yaml"
    assert main(["gen", "config", "c", ENDPOINT, "-t", "worker", "-o", str(file), "--talos-version", "v1.12"]) == 0
    before = file.read_bytes()
    capsys.readouterr()
    arguments = command.format(file, file).split()
    if "patch" in arguments:
        arguments += ["-p", '{"machine": {"certSANs": ["10.0.0.9"]}}']
    with room_for(100):
        assert main([*arguments, *(["--force"] if "secrets" in arguments else [])]) == 1
    assert f"error: cannot write {file}: " in capsys.readouterr().err
    assert (file.read_bytes(), names(tmp_path)) == (before, ["worker.yaml"])


@pytest.mark.parametrize(
    "command",
    [
        "gen secrets -o loop",
        "gen secrets -o loop/secrets.yaml",
        "gen config c https://c.local:6443 -o loop",
        "dump --from demo --to loop",
        "dump --from demo --to loop/x.zip",
        "machineconfig patch worker.yaml -p {} -o loop",
        "config --talosconfig loop add a",
        "simulate --nodes 2 --to loop/x.zip",
        "serve --listen 127.0.0.1:0 --empty --pki loop",
    ],
)
def test_links_that_lead_in_circles_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "worker.yaml").write_text("machine:\n  type: worker\n")
    assert main(command.split()) in {1, 2}
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert (tmp_path / "loop").is_symlink()
