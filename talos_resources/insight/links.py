"""The links of a mesh, each in one direction: who looks, at whom, and what there is to see."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from talos_resources.insight.snapshot import NOTHING
from talos_resources.model.net import AddrPort, IPAddress
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, MachineType

_S: Final = 1_000_000_000


class LinkState(StrEnum):
    """How one node sees another; the first three are Talos's own."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """The node answered and does not know the other."""
    UNSEEN = "unseen"
    """The node was not asked, or did not answer."""
    SELF = "self"

    @property
    def is_fault(self) -> bool:
        """Whether a link should not be so."""
        return self is LinkState.DOWN or self is LinkState.UNKNOWN or self is LinkState.ABSENT  # a set would hash in Python


@attrs.frozen(kw_only=True)
class MeshNode:
    """A node of the mesh.

    Attributes:
        index: of its row and column.
        name: what people call it; no two nodes have the same.
        public_key: empty for a node whose key nobody knows.
        node_id: in discovery, empty if unknown.
        machine_type: as discovery says.
        addresses: its own, as discovery says.
        labels: of the resources that describe it.
        node: the name under which it was asked; None if it was not.
        as_of: when its row was so, by its own clock; `Timestamp.ZERO` if unknown.
        error: why it did not answer.
    """

    index: int
    name: str
    public_key: str = ""
    node_id: str = ""
    machine_type: MachineType = MachineType.UNKNOWN
    addresses: tuple[IPAddress, ...] = ()
    labels: Mapping[str, str] = attrs.field(default=NOTHING)
    node: str | None = None
    as_of: Timestamp = Timestamp.ZERO
    error: str = ""

    @property
    def is_observed(self) -> bool:
        """Whether its own view is part of the mesh."""
        return self.node is not None and not self.error


@attrs.frozen(kw_only=True)
class Link:
    """One direction of a link: how a node sees another.

    Attributes:
        observer: who says so.
        peer: of whom.
        state: how it is.
        reverse: how the peer sees the observer.
        status: what the observer holds; None where it knows no such peer.
        receive_rate: bytes per second since the sample before; None without one.
        transmit_rate: likewise.
    """

    observer: MeshNode
    peer: MeshNode
    state: LinkState
    reverse: LinkState
    status: KubeSpanPeerStatus | None = None
    receive_rate: float | None = None
    transmit_rate: float | None = None

    @property
    def is_asymmetric(self) -> bool:
        """Whether one end sees it up and the other, which was asked too, does not."""
        return is_asymmetric(self.state, self.reverse)

    @property
    def endpoint(self) -> AddrPort | None:
        """Where packets go."""
        return None if self.status is None else self.status.endpoint

    @property
    def handshake(self) -> Timestamp | None:
        """The last handshake, by the observer's clock; None if there was none."""
        return None if self.status is None or self.status.last_handshake_time.is_zero else self.status.last_handshake_time

    @property
    def handshake_age_s(self) -> float | None:
        """Seconds from the last handshake to the moment of the observation; None if there was none."""
        return None if self.handshake is None or self.observer.as_of.is_zero else (self.observer.as_of - self.handshake) / _S

    def to_record(self) -> dict[str, Any]:
        """The direction for data frames; None for what is not known."""
        status = self.status
        return {
            "observer": self.observer.name,
            "peer": self.peer.name,
            "peer_key": self.peer.public_key,
            "state": self.state.value,
            "reverse": self.reverse.value,
            "asymmetric": self.is_asymmetric,
            "endpoint": None if self.endpoint is None else str(self.endpoint),
            "last_handshake": self.handshake,
            "handshake_age_s": self.handshake_age_s,
            "receive_bytes": None if status is None else status.receive_bytes,
            "transmit_bytes": None if status is None else status.transmit_bytes,
            "receive_bytes_per_s": self.receive_rate,
            "transmit_bytes_per_s": self.transmit_rate,
        }


def is_asymmetric(state: LinkState, reverse: LinkState) -> bool:
    """Whether of the two directions of a link exactly one is up and the other is known not to be."""
    return (state is LinkState.UP and reverse.is_fault) or (reverse is LinkState.UP and state.is_fault)
