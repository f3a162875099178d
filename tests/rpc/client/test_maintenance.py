"""Nodes in maintenance mode: encrypted, and nobody shows who they are."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talos_resources.cli.main import main
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.errors import ConfigError, ConnectError
from talos_resources.model.resource import Resource
from talos_resources.resources import Member
from talos_resources.rpc import pki
from talos_resources.rpc.client.connect import connect
from talos_resources.rpc.messages import field
from talos_resources.rpc.transport.tls import load_pem
from tests.rpc.transport.scripted import Conversation, ScriptedServer
from tests.rpc.transport.test_failures import CA, NOW

MEMBER = field(1, resource_to_wire(Resource.new(Member(hostname="fresh"), id="fresh")))


def lists(conversation: Conversation) -> None:
    while (stream := conversation.next_request()) is not None:
        if b"ResourceDefinitions" in conversation.heard[-1][3]:
            conversation.head(stream)
            conversation.trailers(stream)
        else:
            conversation.answer(stream, MEMBER)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Its address and the fingerprint of its certificate, which an unknown authority has signed for another host."""
    monkeypatch.setenv("TALOSCONFIG", str(tmp_path / "none"))
    pair = pki.issue_server(CA, hosts=["10.9.9.9"], now=NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    load_pem(context, pair.crt, pki.standard_key_pem(pair.key))
    key = pki.certificate_from_pem(pair.crt).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with ScriptedServer(lists, context=context) as server:
        yield server.address, base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_it_is_read_without_a_talosconfig(node: tuple[str, str]) -> None:
    address, fingerprint = node
    other = base64.b64encode(bytes(32)).decode()
    for accepted in ((), fingerprint, (other, fingerprint)):
        with connect(nodes=address, insecure=True, cert_fingerprints=accepted) as state:
            assert [member.id for member in state.list(Member)] == ["fresh"]
    with connect(nodes=address, insecure=True, cert_fingerprints=other) as state, pytest.raises(ConnectError, match="fingerprint") as error:
        state.list(Member)
    assert fingerprint in str(error.value)


def test_on_the_command_line(node: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    address, fingerprint = node
    for flags in (("-i",), ("--insecure", "--cert-fingerprint", fingerprint)):
        assert main(["get", "members", "-n", address, *flags, "-o", "name"]) == 0
        assert "fresh" in capsys.readouterr().out
    other = base64.b64encode(bytes(32)).decode()
    assert main(["get", "members", "-n", address, "-i", "--cert-fingerprint", other]) == 1
    assert f"its certificate has the fingerprint {fingerprint}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-i"], "name the node itself with -n"),
        (["-n", "127.0.0.1", "--cert-fingerprint", "x"], "fingerprints are for maintenance mode"),
        (["-i", "-n", "127.0.0.1", "--cert-fingerprint", "x"], "'x' is no fingerprint"),
        (["-i", "--from", "demo"], "--from demo and --insecure exclude each other"),
    ],
)
def test_what_does_not_go_together(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["get", "members", *arguments]) == 1
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


def test_in_python() -> None:
    with pytest.raises(ConfigError, match="name the node"):
        connect(insecure=True)
    with pytest.raises(ConfigError, match="maintenance mode"):
        connect(nodes="127.0.0.1", cert_fingerprints="x")
    with pytest.raises(ConfigError, match="is for one node"):
        connect(nodes=["a", "b"], insecure=True)


def test_no_certificate_is_shown(node: tuple[str, str]) -> None:
    """Whoever answers in maintenance mode learns nothing of who asks."""
    with contextlib.closing(connect(nodes=node[0], insecure=True)) as state:
        [transport] = state._channel.transports
        assert transport._credentials.crt is None  # type: ignore[attr-defined]
        assert state._channel.metadata == ()
