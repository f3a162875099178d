"""WireGuard devices of simulated nodes; two that know each other share a `Session`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from talos_resources.kubespan.keys import public_key
from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig, PeerReading
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.network import Host, Network
from talos_resources.simulate.session import Medium, Session

_S: Final = 1_000_000_000
_NEVER: Final = Timestamp.ZERO


class SimulatedDevice:
    """A device of one simulated host; see `WireGuardDevice`.

    Attributes:
        host: where it stands in the network.
        key: its public key, empty as long as it is not configured.
    """

    def __init__(self, host: Host, air: Air, *, skew_s: float = 0.0) -> None:
        """Takes its host, what it shares with others, and by how much the host's clock is ahead."""
        self.host = host
        self._skew = round(skew_s * _S)
        self.key = ""
        self._air = air
        self._private_key = ""
        self._peers: dict[str, PeerConfig] = {}
        self.sessions: dict[str, Session] = {}

    def configure(self, config: DeviceConfig) -> None:
        """See `WireGuardDevice`."""
        if config.private_key != self._private_key:
            self.remove()
            self._private_key, self.key = config.private_key, self._air.public_key(config.private_key)
            self._air.devices[self.key] = self
        now = self._air.now()
        wanted = {peer.public_key: peer for peer in config.peers}
        for key in [key for key in self._peers if key not in wanted]:
            self.sessions.pop(key).leave(self, now)
        for key, peer in wanted.items():
            if self._peers.get(key) is not peer:
                self._set_peer(key, peer, now)
        self._peers = wanted

    def read(self) -> Mapping[str, PeerReading] | None:
        """See `WireGuardDevice`."""
        if not self.key:
            return None
        now = self._air.now()
        readings = {key: session.reading(self, now) for key, session in self.sessions.items()}
        return {key: self._skewed(reading) for key, reading in readings.items()} if self._skew else readings

    def remove(self) -> None:
        """See `WireGuardDevice`."""
        now = self._air.now()
        for session in self.sessions.values():
            session.leave(self, now)
        self.sessions.clear()
        self._peers = {}
        self._air.devices.pop(self.key, None)
        self._private_key = self.key = ""

    def settle(self, now: Timestamp) -> None:
        """Works out what happened until now, before something changes."""
        for session in self.sessions.values():
            session.advance(now)

    def _skewed(self, reading: PeerReading) -> PeerReading:
        if reading.last_handshake_time == _NEVER:
            return reading
        return attrs.evolve(reading, last_handshake_time=Timestamp(reading.last_handshake_time + self._skew))

    def _set_peer(self, key: str, peer: PeerConfig, now: Timestamp) -> None:
        session = self.sessions.get(key)
        if session is None:
            other = self._air.devices.get(key)
            session = None if other is None else other.sessions.get(self.key)
            if session is None:
                session = Session(self._air, now)
            self.sessions[key] = session
            session.join(self, now)
        if peer.endpoint is not None:
            session.aim(self, peer.endpoint, now)


class Air(Medium):
    """What all devices of a simulation share.

    Attributes:
        network: what is between them.
        devices: those that are configured, by public key.
        now: the true time, whatever a node's own clock says.
        seed: decides which packets get lost.
        public_key: which public key belongs to a private one.
    """

    def __init__(
        self,
        network: Network,
        now: Callable[[], Timestamp],
        *,
        seed: int,
        public_key: Callable[[str], str] = public_key,
    ) -> None:
        super().__init__(network, seed=seed)
        self.public_key = public_key
        self.devices: dict[str, SimulatedDevice] = {}
        self.now = now
        network.before_change(self._settle)

    def _settle(self) -> None:
        now = self.now()
        for device in self.devices.values():
            device.settle(now)
