"""Files that are no configuration, and those that never end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.whole import LARGEST, read_whole
from talos_resources.model.errors import ConfigError

NEIGHBOURS: Final = {
    "talosconfig": ("context: a\ncontexts:\n    a:\n        endpoints: []\n", "this is a talosconfig"),
    "kubeconfig": ("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n", "this is a kubeconfig"),
    "secrets": ("cluster:\n    id: a\nsecrets:\n    bootstraptoken: b\ncerts: {}\n", "this is a secrets bundle"),
    "manifest": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "this is a Kubernetes manifest (ConfigMap)"),
    "list of manifests": ("apiVersion: v1\nkind: List\nitems: []\n", "this is a Kubernetes manifest (List)"),
    "json patch": ('[{"op": "add", "path": "/a", "value": 1}]', "this is a JSON patch"),
    "list": ("- a\n", "found a list"),
    "value": ("a\n", "found a single value"),
}
COMMANDS: Final = (
    ["validate", "file", "-m", "cloud"],
    ["machineconfig", "migrate", "file"],
    ["machineconfig", "patch", "file", "-p", "machine: {type: worker}"],
    ["machineconfig", "patch", "file", "-p", '[{"op": "add", "path": "/machine/certSANs", "value": []}]'],
    ["machineconfig", "patch", "file", "-p", '[{"op": "add", "path": "/machine/certSANs", "value": []}]', "--keep-comments"],
    ["kubespan", "patch", "--for", "file"],
)


@pytest.mark.parametrize("name", NEIGHBOURS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_file_that_lies_beside_configurations_is_told_by_its_name(
    name: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text, told = NEIGHBOURS[name]
    Path("file").write_text(text)
    assert main(command) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: file:1: ")
    assert told in captured.err
    assert captured.err.count("\n") == 1


def test_cilium_check_takes_manifests_and_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("talosconfig", "kubeconfig", "secrets", "json patch"):
        Path("file").write_text(NEIGHBOURS[name][0])
        assert main(["cilium", "check", "file"]) == 1
        assert NEIGHBOURS[name][1].removeprefix("this is ") in capsys.readouterr().err
    Path("file").write_text(NEIGHBOURS["manifest"][0])
    assert main(["cilium", "check", "file"]) == 0


def test_a_patch_without_operations_says_that_it_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("machine: {type: worker}\n---\napiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n")
    Path("empty.yaml").write_text("# nothing\n")
    for keep in ([], ["--keep-comments"]):
        assert main(["machineconfig", "patch", "c.yaml", "-p", "@empty.yaml", *keep]) == 0
        assert capsys.readouterr().err == "note: the patch is empty, so nothing is changed\n"


@pytest.mark.parametrize(
    "command",
    [
        ["validate", "/dev/zero", "-m", "cloud"],
        ["machineconfig", "patch", "/dev/zero", "-p", "machine: {}"],
        ["machineconfig", "patch", "c.yaml", "-p", "@/dev/zero"],
        ["machineconfig", "migrate", "/dev/zero"],
        ["gen", "config", "a", "https://b:6443", "--with-secrets", "/dev/zero", "-o", "-", "-t", "worker"],
        ["gen", "secrets", "--from-controlplane-config", "/dev/zero", "-o", "-"],
        ["config", "contexts", "--talosconfig", "/dev/zero"],
        ["cilium", "check", "/dev/zero"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_what_never_ends_is_refused(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("machine: {type: worker}\n")
    assert main(command) == 1
    assert capsys.readouterr().err == "error: /dev/zero is larger than 64 MB, which no configuration is; is it another file?\n"


def test_stdin_that_never_ends_is_refused() -> None:
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [sys.executable, "-m", "talos_resources", "validate", "-", "-m", "cloud"],
            stdin=endless,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"error: stdin is larger than 64 MB, which no configuration is; is it another file?\n")


def test_the_bound_is_the_last_size_that_is_read(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 10)
    assert len(read_whole(file, largest=10)) == 10
    with pytest.raises(ConfigError, match="is larger than"):
        read_whole(file, largest=9)
    assert LARGEST > 2 << 20
