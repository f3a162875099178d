"""What KubeSpan needs of a WireGuard device, whoever runs it: the kernel, wireguard-go or a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from talos_resources.kubespan.constants import KEEPALIVE_S, LISTEN_PORT, MARK_ENCRYPTED
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.timestamp import Timestamp


def _redacted(value: str) -> str:
    return "<redacted>" if value else repr(value)


@attrs.frozen(kw_only=True)
class PeerConfig:
    """A peer as a device shall have it.

    Attributes:
        public_key: base64.
        preshared_key: base64; empty for none.
        endpoint: where to send to; None leaves the device what it has.
        keepalive_s: how often to send something when there is nothing to send.
        allowed_ips: what is routed to the peer and accepted from it.
    """

    public_key: str
    preshared_key: str = attrs.field(repr=_redacted)
    endpoint: AddrPort | None
    keepalive_s: int = KEEPALIVE_S
    allowed_ips: tuple[IPPrefix, ...]


@attrs.frozen(kw_only=True)
class DeviceConfig:
    """A device as KubeSpan wants it; peers that are not named are removed from it.

    Attributes:
        private_key: base64.
        listen_port: UDP.
        firewall_mark: on the packets that the device sends.
        peers: in order of their public keys.
    """

    private_key: str = attrs.field(repr=_redacted)
    listen_port: int = LISTEN_PORT
    firewall_mark: int = MARK_ENCRYPTED
    peers: tuple[PeerConfig, ...]


@attrs.frozen(weakref_slot=False)
class PeerReading:
    """A peer as a device has it now.

    Attributes:
        endpoint: where the last authentic packet came from, or what was configured; None if neither.
        last_handshake_time: the zero time if there was none.
        receive_bytes: since the link was made, WireGuard's own overhead included.
        transmit_bytes: likewise.
    """

    endpoint: AddrPort | None = None
    last_handshake_time: Timestamp = Timestamp.ZERO
    receive_bytes: int = 0
    transmit_bytes: int = 0


class WireGuardDevice(Protocol):
    """A WireGuard device. Every method may raise OSError where the device fails."""

    def configure(self, config: DeviceConfig) -> None:
        """Makes the device so; peers that stay keep their sessions, and their endpoint unless one is given."""
        ...

    def read(self) -> Mapping[str, PeerReading] | None:
        """Every peer by its public key; None if there is no such device."""
        ...

    def remove(self) -> None:
        """Takes the device away; that there is none is no error."""
        ...


class ConfiguredDevice(WireGuardDevice, Protocol):
    """A device that also says how it is configured."""

    def config(self) -> DeviceConfig | None:
        """What it is configured to be, each peer with the endpoint that it has now; None if there is no such device."""
        ...


def deviations(wanted: DeviceConfig, actual: DeviceConfig) -> list[str]:
    """In what a device differs from what it shall be, in a few words each and without any key.

    A peer may have another endpoint than was wanted: it has roamed.
    """
    found = [
        words
        for words, same in (
            ("private key", wanted.private_key == actual.private_key),
            ("port", wanted.listen_port == actual.listen_port),
            ("firewall mark", wanted.firewall_mark == actual.firewall_mark),
        )
        if not same
    ]
    there = {peer.public_key: peer for peer in actual.peers}
    if {peer.public_key for peer in wanted.peers} != there.keys():
        return [*found, "peers"]
    if any(_peer_deviates(peer, there[peer.public_key]) for peer in wanted.peers):
        found.append("settings of peers")
    return found


def _peer_deviates(wanted: PeerConfig, actual: PeerConfig) -> bool:
    return (
        wanted.preshared_key != actual.preshared_key
        or wanted.keepalive_s != actual.keepalive_s
        or {prefix.network for prefix in wanted.allowed_ips} != {prefix.network for prefix in actual.allowed_ips}
        or (wanted.endpoint is not None and actual.endpoint is None)
    )
