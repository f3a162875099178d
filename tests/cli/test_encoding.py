"""Whatever the locale, nothing dies of a letter that it lacks."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from talos_resources.cli.main import main


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A mesh of which `doctor` has something to say."""
    target = str(tmp_path_factory.mktemp("sick") / "nat.zip")
    assert main(["simulate", "--nodes", "6", "--scenario", "nat", "--to", target]) == 0
    return target


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> bytes:
    """What a command writes to an output of this encoding, which dies of what it cannot write."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True))
    assert main(arguments) in {0, 3}
    sys.stdout.flush()
    return raw.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("command", [["mesh"], ["mesh", "-o", "wide"], ["mesh", "--by", "type"], ["doctor"]])
def test_text_is_printed_in_any_encoding(monkeypatch: pytest.MonkeyPatch, sick: str, encoding: str, command: list[str]) -> None:
    text = printed(monkeypatch, encoding, *command, "--from", sick).decode(encoding)
    assert "worker-2" in text
    if encoding == "ascii" and command == ["mesh"]:
        # The matrix stays straight, and a question mark stays what it was: an unknown link.
        assert text.splitlines()[4].split() == ["1", "controlplane-1", ".", "up", "up", "up", "up", "up"]
        assert text.count("?") == 2
    if encoding == "ascii" and command == ["doctor"]:
        assert "worker-2 <-> worker-3" in text


@pytest.mark.parametrize("form", ["json", "yaml", "html", "svg"])
def test_documents_are_utf_8(monkeypatch: pytest.MonkeyPatch, sick: str, form: str) -> None:
    # The pages have arrows and dots in them; nothing of a document may be replaced.
    assert printed(monkeypatch, "ascii", "mesh", "-o", form, "--from", sick) == printed(
        monkeypatch, "utf-8", "mesh", "-o", form, "--from", sick
    )


def test_labels_beyond_the_encoding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "members.json"
    metadata = {"namespace": "cluster", "type": "Members.cluster.talos.dev", "id": "字", "version": 1, "phase": "running"}
    file.write_text(json.dumps({"metadata": metadata, "spec": {"hostname": "é"}}))
    assert b"? " in printed(monkeypatch, "ascii", "get", "members", "--from", str(file))
    assert "字 ".encode() in printed(monkeypatch, "utf-8", "get", "members", "--from", str(file))
    assert "字".encode() in printed(monkeypatch, "ascii", "get", "members", "-o", "json", "--from", str(file))


def test_notes_and_errors_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "talos_resources", "get", "members", "--from", "…→字.yaml"],
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: cannot read ~->?.yaml: ")
