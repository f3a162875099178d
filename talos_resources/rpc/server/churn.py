"""Live-looking traffic: peer statuses that change as on a node with a mesh."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

import attrs

from talos_resources.model.errors import ConflictError, NotFoundError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.state.aio import AioState
from talos_resources.state.contract import State

PERIOD_S: Final = 1.0
_DOWN: Final = 0.02
_UP_AGAIN: Final = 0.3


async def churn(state: State, *, period_s: float = PERIOD_S) -> None:
    """Changes every peer status once a period, until it is cancelled.

    Counters grow; now and then a link goes down, and after a while up again.

    Args:
        state: that holds them.
        period_s: seconds between two rounds.
    """
    aio = AioState(state)
    dice = random.Random()  # noqa: S311 - traffic, no secret
    while True:
        for peer in await aio.list(KubeSpanPeerStatus):
            try:
                await aio.update(_changed(peer, dice, Timestamp(time.time_ns())))
            except (NotFoundError, ConflictError):
                continue  # somebody else changed it meanwhile; the next round has it
        await asyncio.sleep(period_s)


def _changed(peer: Resource[KubeSpanPeerStatus], dice: random.Random, now: Timestamp) -> Resource[KubeSpanPeerStatus]:
    status = peer.spec
    if status.state is PeerState.UP and dice.random() < _DOWN:
        return peer.with_spec(state=PeerState.DOWN)
    if status.state is not PeerState.UP and dice.random() >= _UP_AGAIN:
        return peer.with_spec(receive_bytes=status.receive_bytes + dice.randrange(2) * 148)
    return peer.with_spec(
        attrs.evolve(
            status,
            state=PeerState.UP,
            last_handshake_time=now,
            receive_bytes=status.receive_bytes + dice.randrange(200, 20_000),
            transmit_bytes=status.transmit_bytes + dice.randrange(200, 20_000),
        )
    )
