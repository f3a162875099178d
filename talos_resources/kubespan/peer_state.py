"""How a link to a peer is, and which of the peer's endpoints is tried next.

Source: Talos v1.12.3, KubeSpan peer status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import attrs

from talos_resources.kubespan.constants import ENDPOINT_TIMEOUT_S, PEER_DOWN_S
from talos_resources.kubespan.wireguard import PeerReading
from talos_resources.model.build import twin
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState

_S: Final = 1_000_000_000
_OPEN_STATUS: Final = twin(KubeSpanPeerStatus)


@attrs.frozen
class Rule:
    """A row of the transition table.

    Attributes:
        since_change: how long ago KubeSpan set an endpoint, in words.
        handshake: what the last handshake must be for the link to be up.
        otherwise: the state without it.
    """

    since_change: str
    handshake: str
    otherwise: PeerState


FRESH: Final = Rule(f"less than {ENDPOINT_TIMEOUT_S} s", "after the change", PeerState.UNKNOWN)
SETTLING: Final = Rule(f"{ENDPOINT_TIMEOUT_S} s to {PEER_DOWN_S} s", "after the change", PeerState.DOWN)
SETTLED: Final = Rule(f"more than {PEER_DOWN_S} s, or never", f"less than {PEER_DOWN_S} s ago", PeerState.DOWN)

TRANSITIONS: Final = (FRESH, SETTLING, SETTLED)
"""The state of a link by the age of its endpoint; the documentation prints this very table.

A peer that would be down is `unknown` as long as no endpoint was ever set.
"""


def peer_state(status: KubeSpanPeerStatus, *, now: Timestamp) -> PeerState:
    """Whether a peer is up, down or unknown, by `TRANSITIONS`.

    A change in the future (the clock jumped) counts as a fresh one.

    Args:
        status: times in UTC; the zero time where there was no handshake or endpoint yet.
        now: given, so that tests and simulations own the clock.
    """
    never_aimed = status.last_used_endpoint is None
    return _state(status.last_handshake_time, status.last_endpoint_change, never_aimed=never_aimed, now=now)


def _state(handshake: Timestamp, change: Timestamp, *, never_aimed: bool, now: Timestamp) -> PeerState:
    since_change = now - change
    if since_change > PEER_DOWN_S * _S:
        if now - handshake < PEER_DOWN_S * _S:
            return PeerState.UP
        state = SETTLED.otherwise
    elif handshake > change:
        return PeerState.UP
    else:
        state = FRESH.otherwise if since_change < ENDPOINT_TIMEOUT_S * _S else SETTLING.otherwise
    return PeerState.UNKNOWN if never_aimed else state


def observed(status: KubeSpanPeerStatus, reading: PeerReading, *, now: Timestamp | None = None) -> KubeSpanPeerStatus:
    """The status with what the device says of the peer.

    Args:
        status: of the last pass.
        reading: from the device.
        now: the state becomes that of this time; None leaves it.
    """
    used, change, handshake = status.last_used_endpoint, status.last_endpoint_change, reading.last_handshake_time
    # A million of these are made in every pass of a large simulation.
    made = _OPEN_STATUS(
        plain_endpoint(reading.endpoint),
        status.label,
        status.state if now is None else _state(handshake, change, never_aimed=used is None, now=now),
        reading.receive_bytes,
        reading.transmit_bytes,
        handshake,
        used,
        change,
        status.unknown,
    )
    made.__class__ = KubeSpanPeerStatus
    return cast("KubeSpanPeerStatus", made)


def plain_endpoint(endpoint: AddrPort | None) -> AddrPort | None:
    """The endpoint with an IPv4-mapped address as IPv4 and without a zone."""
    if endpoint is None or endpoint.address.version == 4:
        return endpoint
    address = endpoint.address
    if (mapped := address.ipv4_mapped) is not None:
        return AddrPort(mapped, endpoint.port)
    return AddrPort(type(address)(int(address)), endpoint.port) if address.scope_id else endpoint


def should_change_endpoint(status: KubeSpanPeerStatus) -> bool:
    """Whether another endpoint shall be tried: the peer is down, or none was ever set."""
    return status.state is PeerState.DOWN or status.last_used_endpoint is None


def next_endpoint(status: KubeSpanPeerStatus, endpoints: Sequence[AddrPort | None]) -> AddrPort | None:
    """The endpoint to try next: the one after the last used, in a circle.

    None if there is none to try, or none but the one that is already active.
    """
    last = status.last_used_endpoint
    if not endpoints:
        return None
    if last is None or last not in endpoints:
        return endpoints[0]
    if len(endpoints) == 1 and status.endpoint == last:
        return None
    return endpoints[(endpoints.index(last) + 1) % len(endpoints)]


def with_endpoint(status: KubeSpanPeerStatus, endpoint: AddrPort, *, now: Timestamp) -> KubeSpanPeerStatus:
    """The status after a new endpoint was set: nothing is known of it yet."""
    made = _OPEN_STATUS(
        endpoint,
        status.label,
        PeerState.UNKNOWN,
        status.receive_bytes,
        status.transmit_bytes,
        status.last_handshake_time,
        endpoint,
        now,
        status.unknown,
    )
    made.__class__ = KubeSpanPeerStatus
    return cast("KubeSpanPeerStatus", made)
