"""`serve` at the shell: what it says of itself, and which node it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.releases import NEWEST
from talos_resources.rpc.client.connect import connect_plain


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "talos_resources", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("listening on ").strip(), process
        finally:
            process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("flags", "version"), [((), NEWEST.version), (("--talos-version", "1.12.3"), "v1.12.3"), (("--talos-version", "v1.13.0"), "v1.13.0")]
)
def test_it_answers_a_version_of_talos(tmp_path: Path, flags: tuple[str, ...], version: str) -> None:
    with serving("--listen", f"unix:{tmp_path}/x", "--from", "demo", *flags) as (address, _), connect_plain(address) as node:
        assert node.version() == version


def test_which_of_several_nodes_it_is_is_told(tmp_path: Path) -> None:
    target = tmp_path / "two.zip"
    assert main(["dump", "--from", "demo", "-n", "172.20.0.2,172.20.0.3", "--to", str(target)]) == 0
    for nodes, told in (([], "note: serving 172.20.0.2, one of 2 nodes; choose another with -n\n"), (["-n", "172.20.0.3"], "")):
        with serving("--listen", f"unix:{tmp_path}/x", "--from", str(target), *nodes) as (_, process):
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            assert process.stderr.read() == told


def test_a_node_behind_a_socket_can_be_dumped(tmp_path: Path) -> None:
    with serving("--listen", f"unix:{tmp_path}/node.sock", "--from", "demo"):
        for target in ("all.zip", "all", "all.yaml"):
            assert main(["dump", "--from", f"cosi+unix:{tmp_path}/node.sock", "--to", str(tmp_path / target)]) == 0
            assert main(["get", "members", "--from", str(tmp_path / target)]) == 0


def test_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--listen", "127.0.0.1:0", "--insecure", "--talos-version", "latest"]) == 2
    assert capsys.readouterr().err == (
        'error: argument --talos-version: "latest" is no version of Talos; write it as v1.12 or v1.14.0; see talos-resources serve --help\n'
    )


@pytest.mark.parametrize("address", ["[::1", "::1:50000", "[:1", "[]:1", ":1", "my host:1", "127.0.0.1:abc", "127.0.0.1:99999"])
@pytest.mark.parametrize(
    ("command", "others"),
    [(["serve", "--insecure"], " or unix:PATH"), (["discovery", "serve", "--insecure"], " or unix:PATH"), (["export", "prometheus"], "")],
    ids=str,
)
def test_what_is_no_address_is_refused_with_what_there_is(
    command: list[str], others: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--listen", address, *(["--from", "demo"] if command[0] != "discovery" else [])]) == 1
    assert capsys.readouterr().err.endswith(f"error: {address!r} is no address; write HOST:PORT (port 0 for any that is free){others}\n")
