"""A connection remembers how its last calls ended, and little of it."""

from __future__ import annotations

import sys

from h2.stream import StreamClosedBy

from talos_resources.rpc.server.closed_streams import REMEMBERED, ClosedStreams
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.attacking import Attack


def test_the_last_are_remembered_in_the_order_of_their_end() -> None:
    closed = ClosedStreams()
    ends = [*StreamClosedBy, None]
    for stream in range(1, 20 * REMEMBERED, 2):
        closed[stream] = ends[stream % 5]
    closed[3] = StreamClosedBy.RECV_RST_STREAM  # a watch that began before all others
    last = range(18 * REMEMBERED + 3, 20 * REMEMBERED, 2)
    assert all(stream in closed and closed[stream] is ends[stream % 5] for stream in last)
    assert closed[3] is StreamClosedBy.RECV_RST_STREAM
    assert 18 * REMEMBERED + 1 not in closed
    assert sys.getsizeof(closed._streams) + sys.getsizeof(closed._kinds) < 8 * REMEMBERED


def test_what_comes_late_for_a_call_does_no_harm(server: BackgroundServer, attack: Attack) -> None:
    raw = attack()
    calls = [raw.request("/none", b"") for _ in range(30)]
    raw.answer(calls[-1])
    raw.answer(raw.request("/none", b""))  # those before it are closed when it begins
    for call in calls:
        raw.socket.sendall(b"\0\0\4\x08\0" + call.to_bytes(4) + (1000).to_bytes(4))  # WINDOW_UPDATE
    assert raw.answer(raw.request("/none", b""))["grpc-status"] == "12"
