"""Endpoints as people write them, in Python and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.backends.etcd.state import EtcdState
from talos_resources.cli.main import main
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.model.errors import ConfigError
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.rpc.server.server import split_address
from talos_resources.rpc.transport.address import parse_endpoint
from talos_resources.sources.live import connect_cluster
from talos_resources.testing.node import TalosNode


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1:50000"),
        ("10.0.0.1:50001", "10.0.0.1:50001"),
        ("node.example.org", "node.example.org:50000"),
        ("fd00::1", "[fd00::1]:50000"),
        ("[fd00::1]", "[fd00::1]:50000"),
        ("[fd00::1]:7", "[fd00::1]:7"),
        ("fe80::1%eth0", "[fe80::1%eth0]:50000"),
        ("[fe80::1%eth0]:7", "[fe80::1%eth0]:7"),
        ("https://node.example.org", "node.example.org:443"),
        ("https://node.example.org:8443", "node.example.org:8443"),
        ("https://node.example.org:8443/", "node.example.org:8443"),
        ("HTTPS://[fd00::1]", "[fd00::1]:443"),
        ("https://user:word@omni.example.org", "omni.example.org:443"),
        ("grpc://10.0.0.1", "10.0.0.1:50000"),
        ("grpc://10.0.0.1:7", "10.0.0.1:7"),
        ("unix:/run/state.sock", "unix:/run/state.sock"),
        ("unix:@state", "unix:@state"),
        ("unix:///run/state.sock", "unix:/run/state.sock"),
    ],
)
def test_what_endpoints_mean(text: str, address: str) -> None:
    assert parse_endpoint(text, default_port=50000) == address


WRONG = [
    "127.0.0.1:abc",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:99999",
    "127.0.0.1:\uff11",
    ":99999",
    ":50000",
    "",
    "my host",
    "my\thost:1",
    "[::1",
    "::1]",
    "[::1]x",
    "[127.0.0.1]:5",
    "[]:5",
    "1:2:3",
    "fe80::1%",
    "fe80::1%eth 0",
    "knöten",
    "a/b",
    "https://",
    "https://:443",
    "https://host:port",
    "https://[::1",
    "unix:",
    "unix://x",
    "a@b",
    "\0",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_none_gets_one_line(text: str, talos_node: TalosNode, capsys: pytest.CaptureFixture[str]) -> None:
    """In Python as on the command line."""
    with pytest.raises(ConfigError) as error:
        parse_endpoint(text, default_port=50000)
    assert "\n" not in error.value.message
    if text:
        with pytest.raises(ConfigError):
            connect(endpoints=[text], talosconfig=talos_node.talosconfig)
        with pytest.raises(ConfigError):
            connect(nodes=text, insecure=True)
    with pytest.raises(ConfigError):
        connect_plain(text)
    if text.strip() and "\0" not in text:
        assert main(["get", "members", "--talosconfig", str(talos_node.talosconfig), "-e", text]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith("error: ")


@pytest.mark.parametrize("login", ["https://me:secret", "me:secret", "secret://me:s3://secret", "https://me:sec://ret:secret@secret"])
def test_a_password_is_not_repeated(login: str) -> None:
    for read in (lambda text: parse_endpoint(text, default_port=1), split_address):
        with pytest.raises(ConfigError, match="…@ho st") as error:
            read(f"{login}@ho st")
        assert "secret@" not in error.value.message
        assert "me:" not in error.value.message


@pytest.mark.parametrize(
    "command",
    [
        ["record", "--from", "demo", "--to", "etcd://me:secret@127.0.0.1:1/x"],
        ["recordings", "info", "etcd://me:secret@127.0.0.1:1/x"],
        ["get", "members", "--from", "cosi://me:secret@127.0.0.1:1"],
        ["discovery", "serve", "--listen", "127.0.0.1:0", "--insecure", "--redirect", "http://me:secret@host"],
    ],
)
def test_no_error_of_a_command_repeats_a_password(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) != 0
    captured = capsys.readouterr().err
    assert "…@" in captured
    assert "secret" not in captured


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:abc", "my host:1", "[::1", ""])
def test_others_who_dial(text: str) -> None:
    with pytest.raises(ConfigError):
        DiscoveryClient(text, cluster_id="c", key=bytes(32), affiliate_id="a", insecure=True)
    with pytest.raises(ConfigError):
        connect_plain(text)
    if text not in {"127.0.0.1", ""}:
        with pytest.raises(ConfigError):
            EtcdState(f"etcd://{text}/x")


def test_one_name_is_one_node(talos_node: TalosNode) -> None:
    with connect(nodes="127.0.0.1", endpoints=talos_node.address, talosconfig=talos_node.talosconfig) as node:
        assert node.node == "127.0.0.1"
        assert node.version().startswith("v")
    with connect_cluster(nodes="127.0.0.1", endpoints=f"grpc://{talos_node.address}", talosconfig=talos_node.talosconfig) as cluster:
        assert cluster.nodes == ("127.0.0.1",)


def test_a_login_that_is_not_ours(tmp_path: Path) -> None:
    """Omni's, or a user's name and password: said as such, and what to do."""
    for auth in ("siderov1:\n        identity: me@example.org", "basic:\n        username: me\n        password: secret"):
        file = tmp_path / "talosconfig"
        file.write_text(f"context: a\ncontexts:\n  a:\n    endpoints: [https://omni.example.org]\n    auth:\n      {auth}\n")
        with pytest.raises(ConfigError, match=r"which is not supported here; use a talosconfig with a client certificate") as error:
            connect(talosconfig=file)
        assert auth.partition(":")[0] in error.value.message
        assert "secret" not in error.value.message
