"""A peer as `top` shows it, and its counters over time."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus

SAMPLES: Final = 24
"""How many rates of a peer are kept."""


@attrs.frozen
class Peer:
    """A peer as a node sees it.

    Attributes:
        node: who sees it.
        resource: its status.
        handshake_s: seconds since the last handshake by the node's clock; None if there was none.
        receive_rate: bytes per second between the last two changes; None before there are two.
        transmit_rate: likewise.
        history: bytes per second both ways, the newest last.
    """

    node: str
    resource: Resource[KubeSpanPeerStatus]
    handshake_s: float | None
    receive_rate: float | None
    transmit_rate: float | None
    history: tuple[float, ...]


@attrs.define
class Rates:
    """The counters of a peer over time."""

    last: tuple[float, int, int] | None = None
    receive: float | None = None
    transmit: float | None = None
    history: deque[float] = attrs.Factory(lambda: deque(maxlen=SAMPLES))

    def take(self, at: float, received: int, sent: int) -> None:
        """Takes a sample; a counter that began anew gives no rate."""
        if self.last is not None and at > self.last[0]:
            seconds = at - self.last[0]
            self.receive = max(0, received - self.last[1]) / seconds
            self.transmit = max(0, sent - self.last[2]) / seconds
            self.history.append(self.receive + self.transmit)
        self.last = (at, received, sent)
