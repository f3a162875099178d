"""KubeSpanPeerStatus: how the link to a peer is."""

from __future__ import annotations

import attrs

from talos_resources.model.enums import NumberedEnum
from talos_resources.model.kind import Column, kind
from talos_resources.model.net import AddrPort
from talos_resources.model.spec import Unknown, unknown_field, wire
from talos_resources.model.timestamp import Timestamp


class PeerState(NumberedEnum):
    """The state of a link."""

    UNKNOWN = "unknown", 0
    UP = "up", 1
    DOWN = "down", 2


@kind(
    type="KubeSpanPeerStatuses.kubespan.talos.dev",
    namespace="kubespan",
    columns=[
        Column("Label", "{.label}"),
        Column("Endpoint", "{.endpoint}"),
        Column("State", "{.state}"),
        Column("Rx", "{.receiveBytes}"),
        Column("Tx", "{.transmitBytes}"),
    ],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanPeerStatus:
    """A peer as WireGuard sees it; the id is the peer's WireGuard public key.

    Written by kubespan.ManagerController every 30 seconds. Source: Talos v1.13.3.
    """

    endpoint: AddrPort | None = wire(1, default=None, doc="Where WireGuard exchanges packets with the peer now.")
    label: str = wire(2, default="", doc="The peer's node name.")
    state: PeerState = wire(
        3,
        default=PeerState.UNKNOWN,
        doc="up: a recent handshake; down: none; unknown: the endpoint was just changed and nothing is known yet.",
    )
    receive_bytes: int = wire(4, default=0, unit="bytes", doc="Received from the peer since the link was made.")
    transmit_bytes: int = wire(5, default=0, unit="bytes", doc="Sent to the peer since the link was made.")
    last_handshake_time: Timestamp = wire(6, default=Timestamp.ZERO, doc="The last WireGuard handshake; year 1 if there was none.")
    last_used_endpoint: AddrPort | None = wire(7, default=None, doc="The endpoint that KubeSpan set last.")
    last_endpoint_change: Timestamp = wire(8, default=Timestamp.ZERO, doc="When KubeSpan set an endpoint last; year 1 if never.")
    unknown: Unknown | None = unknown_field()
