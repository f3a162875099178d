"""A client says all of it again on each connection, and takes none for the one before."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.session import Session
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.discovery.asking import Asking
from tests.discovery.conftest import CLUSTER_ID, LONG, MakeClient, node
from tests.rpc.transport.asking import ask, until
from tests.rpc.transport.scripted import Conversation, ScriptedServer


def knows(address: str, name: str) -> bool:
    """Whether a service comes to know a node."""
    asking, end = Asking(address), time.monotonic() + LONG
    while not (found := name in {one.id for one in asking.listed(CLUSTER_ID)}) and time.monotonic() < end:
        time.sleep(0.1)
    asking.close()
    return found


def test_a_service_that_is_restarted_before_the_watch_begins_is_filled_again(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node would have been unknown there until it refreshed, after half its time."""
    restarted, watch = threading.Event(), Session._watch

    def late(session: Session, *arguments: Any) -> None:
        assert restarted.wait(LONG)
        watch(session, *arguments)

    monkeypatch.setattr(Session, "_watch", late)
    first = DiscoveryServer()
    address = first.address
    alder = make_client("alder", address)
    alder.set_local(node("alder"))
    assert knows(address, "alder")
    first.close()
    with DiscoveryServer(address):
        restarted.set()
        assert alder.wait(lambda: alder.status.connected, timeout=LONG)
        assert knows(address, "alder")


def test_a_transport_that_does_not_connect_again() -> None:
    ends = threading.Event()

    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        assert stream is not None
        conversation.answer(stream, b"answer")
        assert ends.wait(LONG)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address, reconnects=False)
        assert ask(transport) == b"answer"
        server.conversations[0].socket.shutdown(2)
        ends.set()
        until(transport._connections[0]._link.has_more)
        with pytest.raises(TransportError, match="the connection has ended"):
            ask(transport)
        assert len(server.conversations) == 1
        transport.close()
    transport = Http2Transport("127.0.0.1:1", reconnects=False)
    for _ in range(2):  # a connection that there never was has not ended
        with pytest.raises(TransportError, match="connection refused"):
            ask(transport)
    transport.close()
