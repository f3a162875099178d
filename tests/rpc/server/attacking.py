"""What tests of attacks share: who attacks, with what, and what the server holds of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.model.kind import kind_of
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.raw import Raw

LIMITS = Limits(
    connections=30,
    connections_each=20,
    calls_each=400,
    request_bytes=4 << 20,
    requests_bytes=16 << 20,
    answers_bytes=4 << 20,
    closing_s=0.5,
)
STRANGER = "127.0.0.2"
STATUSES = kind_of(KubeSpanPeerStatus).type
EVERYTHING = frame(pb.ListRequest(namespace="kubespan", type=STATUSES).SerializeToString())
Attack = Callable[..., Raw]


def held(server: BackgroundServer) -> tuple[int, int]:
    """What the server holds of requests and answers of all clients, in bytes."""
    dispatch: Any = server._server._dispatch
    return dispatch._requests.held, dispatch._answers.held


def settled(condition: Callable[[], bool]) -> bool:
    """Whether something comes to hold."""
    until = time.monotonic() + 60
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
