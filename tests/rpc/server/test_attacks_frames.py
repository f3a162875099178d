"""Floods of frames that bring nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest

from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.state import RemoteState
from tests.rpc.server.attacking import EVERYTHING, Attack
from tests.rpc.server.raw import LIST, WATCH

SETTINGS_FRAME = b"\0\0\6\4\0\0\0\0\0" + b"\0\4\0\0\xff\xff"
PING_FRAME = b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
EMPTY_DATA_FRAME = b"\0\0\0\0\0\0\0\0\1"
PRIORITY_FRAME = b"\0\0\5\2\0\0\0\0\1" + b"\0\0\0\3\0"
UNKNOWN_FRAME = b"\0\0\0\x55\0\0\0\0\0"


@pytest.mark.parametrize(
    ("flood", "honest", "most"),
    [
        (SETTINGS_FRAME, 20, 50),
        (PING_FRAME, 1000, 2000),
        (EMPTY_DATA_FRAME, 50, 1000),
        (PRIORITY_FRAME, 50, 1000),
        (UNKNOWN_FRAME, 50, 1000),
    ],
    ids=["SETTINGS", "PING", "empty DATA", "PRIORITY", "unknown"],
)
def test_floods_of_frames_that_bring_nothing(client: RemoteState, attack: Attack, flood: bytes, honest: int, most: int) -> None:
    fair = attack()
    open_stream = fair.request(LIST, EVERYTHING[:3], end=False)
    fair.socket.sendall(flood * honest)
    fair.h2.send_data(open_stream, EVERYTHING[3:], end_stream=True)
    fair.flush()
    assert fair.answer(open_stream)["grpc-status"] == "0"
    raw = attack()
    raw.request(WATCH, b"", end=False)
    with suppress(ConnectionError):
        for _ in range(100):
            raw.socket.sendall(flood * (most // 10))
    assert raw.hung_up()
    assert len(client.list(KubeSpanPeerStatus)) == 3000
