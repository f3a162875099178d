"""A request that is sent before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConnectError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, ResourceDefinition
from talos_resources.rpc.client.connect import Endpoints
from talos_resources.rpc.framing import frame
from talos_resources.rpc.messages import list_request
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.transport.foreseen import list_of_definitions
from talos_resources.rpc.transport.http2 import HttpTransport, WholeReply
from talos_resources.sources.live import connect_cluster
from talos_resources.testing.node import TalosNode


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of the requests for lists, as they go out."""
    bodies: list[bytes] = []
    gather = HttpTransport.gather

    def noted(self: HttpTransport, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> WholeReply:
        bodies.append(body)
        return gather(self, path, headers, body, timeout=timeout)

    monkeypatch.setattr(HttpTransport, "gather", noted)
    return bodies


def test_it_is_the_request_that_a_state_sends() -> None:
    assert list_of_definitions() == frame(list_request("meta", "ResourceDefinitions.meta.cosi.dev", labels=(), ids=None))


def test_get_asks_for_the_definitions_once(talos_node: TalosNode, sent: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    talos_node.state.create(Resource.new(KubeSpanPeerStatus(label="worker-1"), id="abc="))
    assert main(["get", "kubespanpeerstatuses", "--talosconfig", str(talos_node.talosconfig), "-n", "a,b"]) == 0
    assert capsys.readouterr().out.count("abc=") == 2
    assert sent.count(list_of_definitions()) == 2  # once a node
    assert len(sent) == 4


def test_only_the_first_who_asks_gets_that_reply(talos_node: TalosNode, sent: list[bytes]) -> None:
    with connect_cluster(talosconfig=talos_node.talosconfig, nodes=["a"], kinds_first=True) as cluster:
        state = cluster.state("a")
        before = state.list(ResourceDefinition)
        state.create(Resource.new(ResourceDefinition(resource_type="Things.example.org", display_type="Thing"), id="things.example.org"))
        assert len(state.list(ResourceDefinition)) == len(before) + 1
        assert sent == [list_of_definitions()] * 2


def test_the_error_is_that_of_who_asks(talos_node: TalosNode, sent: list[bytes]) -> None:
    with connect_cluster(talosconfig=talos_node.talosconfig, endpoints=["127.0.0.1:1"], nodes=["a"], kinds_first=True) as cluster:
        for _ in range(2):
            with pytest.raises(ConnectError, match="refused"):
                cluster.state("a").kind("members")
    assert len(sent) == 2


def test_another_endpoint_is_asked_when_the_first_is_away(sent: list[bytes]) -> None:
    with BackgroundServer(MemoryState(), "127.0.0.1:0") as server:
        ways = Endpoints(["127.0.0.1:1", server.address])
        ways.foresee_kinds("a")
        state = ways.node("a")
        assert state.kind("members").type == "Members.cluster.talos.dev"
        state.close()
    assert len(sent) == 2
