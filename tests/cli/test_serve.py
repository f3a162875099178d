"""`serve` at the shell: what it says of itself, and which node it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from talos_resources import connect_cluster
from talos_resources.cli.main import main
from talos_resources.model.resource import Resource
from talos_resources.releases import NEWEST
from talos_resources.resources import ClusterIdentity
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.talosconfig.config import TalosConfig


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
    ("flags", "version"), [((), "v1.14.0"), (("--talos-version", "1.12.3"), "v1.12.3"), (("--talos-version", "v1.13.0"), "v1.13.0")]
)
def test_it_answers_a_version_of_talos(tmp_path: Path, flags: tuple[str, ...], version: str) -> None:
    with serving("--listen", f"unix:{tmp_path}/x", "--from", "demo", *flags) as (address, _), connect_plain(address) as node:
        assert node.version() == version


def test_a_node_that_says_nothing_runs_the_newest(tmp_path: Path) -> None:
    with serving("--listen", f"unix:{tmp_path}/x", "--empty") as (address, _), connect_plain(address) as node:
        assert node.version() == NEWEST.version


def test_each_node_answers_its_own_version(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    listen = ("--listen", "127.0.0.1:0", "--pki", str(pki), "--from", "demo")
    with serving(*listen, "--talos-version", "172.20.0.3=v1.12.3"):
        versions = []
        for number in (2, 3):
            with connect(nodes=f"172.20.0.{number}", talosconfig=pki / "talosconfig") as node:
                versions.append(node.version())
    assert versions == ["v1.14.0", "v1.12.3"]
    assert main(["serve", *listen, "--talos-version", "nobody=v1.12.3"]) == 2


def ours(talosconfig: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Our own client: its exit code and what it prints."""
    code = main([*arguments, "--talosconfig", str(talosconfig)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_all_nodes_of_a_source_are_behind_one_endpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is as it would be without a server in between."""
    pki = tmp_path / "pki"
    with serving("--listen", "127.0.0.1:0", "--pki", str(pki), "--from", "demo"):
        config = pki / "talosconfig"
        assert TalosConfig.load(config).context().nodes == tuple(f"172.20.0.{number}" for number in range(2, 7))
        for arguments in (
            ["get", "kubespanpeerstatuses", "-n", "172.20.0.2,172.20.0.3,172.20.0.6"],
            ["get", "kubespanidentities", "-o", "yaml", "-n", "172.20.0.6"],
            ["get", "members", "-n", "talos-default-worker-1,172.20.0.2"],
            ["rd", "-n", "172.20.0.4"],
            ["mesh", "-n", "172.20.0.2,172.20.0.3,172.20.0.4,172.20.0.5,172.20.0.6"],
        ):
            # In a process of its own, which knows no types that other tests have made.
            alone = [sys.executable, "-m", "talos_resources", *arguments, "--from", "demo"]
            expected = subprocess.run(alone, capture_output=True, text=True, check=True, timeout=60).stdout
            assert ours(config, *arguments, capsys=capsys) == (0, expected, "")
        code, shown, told = ours(config, "get", "members", "-n", "172.20.0.2,10.9.9.9", capsys=capsys)
        assert (code, shown.count("172.20.0.2   talos-default-")) == (1, 5)
        assert told.startswith("error: 10.9.9.9: ")
        assert "dial tcp 10.9.9.9:50000" in told
        code, shown, _ = ours(config, "config", "info", capsys=capsys)
        assert (code, "Nodes:               172.20.0.2, 172.20.0.3, " in shown) == (0, True)


def test_named_nodes_are_served_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pki = tmp_path / "pki"
    with serving("--listen", "127.0.0.1:0", "--pki", str(pki), "--from", "demo", "-n", "talos-default-worker-2,172.20.0.3"):
        config = pki / "talosconfig"
        assert TalosConfig.load(config).context().nodes == ("talos-default-worker-2", "172.20.0.3")
        code, shown, told = ours(config, "get", "identities", "-o", "name", "-n", "172.20.0.6,talos-default-controlplane-2", capsys=capsys)
        assert (code, len(shown.splitlines()), told) == (0, 2, "")
        assert ours(config, "get", "members", "-n", "172.20.0.2", capsys=capsys)[0] == 1


def test_each_node_has_an_endpoint_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pki = tmp_path / "pki"
    with serving("--listen", "127.0.0.1:0", "--pki", str(pki), "--from", "demo", "--endpoint-per-node") as (address, process):
        assert process.stderr is not None
        places = [process.stderr.readline().strip().split(" at ") for _ in range(5)]
        assert [name for name, _ in places] == [f"172.20.0.{number}" for number in range(2, 7)]
        assert len({address, *(place for _, place in places)}) == 6
        config = pki / "talosconfig"
        for name, place in places:
            code, shown, _ = ours(config, "get", "kubespanidentities", "-n", name, "-e", place, "-o", "name", capsys=capsys)
            assert (code, shown.strip()) == (0, "kubespanidentities.kubespan.talos.dev/local")
        control_plane, worker = places[0][1], places[4][1]
        assert ours(config, "get", "members", "-n", "172.20.0.6", "-e", control_plane, capsys=capsys)[0] == 0
        code, shown, told = ours(config, "get", "members", "-n", "172.20.0.2", "-e", worker, capsys=capsys)
        assert (code, shown) == (1, "")
        assert "no request forwarding" in told


def test_changes_of_several_nodes_are_told_as_they_happen(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    with serving("--listen", "127.0.0.1:0", "--pki", str(pki), "--from", "demo"):
        command = [sys.executable, "-m", "talos_resources", "get", "identities.cluster.talos.dev", "-w", "-n", "172.20.0.2,172.20.0.5"]
        with subprocess.Popen([*command, "--talosconfig", str(pki / "talosconfig")], stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            first = [watching.stdout.readline() for _ in range(3)][1:]
            assert sorted(line.split()[:3] for line in first) == [["172.20.0.2", "+", "local"], ["172.20.0.5", "+", "local"]]
            with connect_cluster(talosconfig=pki / "talosconfig", nodes=["172.20.0.5"]) as cluster:
                cluster.state("172.20.0.5").create(Resource.new(ClusterIdentity(node_id="x"), id="other"))
            assert watching.stdout.readline().split()[:3] == ["172.20.0.5", "+", "other"]
            watching.send_signal(signal.SIGINT)


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
