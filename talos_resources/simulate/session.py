"""What two simulated WireGuard devices have between them.

A session is not driven by packets: whenever somebody looks, it works out what WireGuard's timers have done
since the last look, so that a million sessions cost nothing while nobody looks.

Source of the timers: the WireGuard paper, section 6 (keys are renewed after 120 s and refused after
180 s, a handshake is tried again every 5 s).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Protocol

from talos_resources.kubespan.wireguard import PeerReading
from talos_resources.model.build import twin
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.network import Host, Network

_S: Final = 1_000_000_000
_REKEY: Final = 120 * _S
_REJECT: Final = 180 * _S
_RETRY: Final = 5 * _S
_KEEPALIVE: Final = 25 * _S
_ROUND_TRIP: Final = _S // 1000
_INITIATION_BYTES: Final = 148
_RESPONSE_BYTES: Final = 92
_KEEPALIVE_BYTES: Final = 32
_NEVER: Final = Timestamp.ZERO

_OPEN_READING: Final = twin(PeerReading)


class End(Protocol):
    """One of the two devices."""

    @property
    def key(self) -> str:
        """Its public key."""
        ...

    @property
    def host(self) -> Host:
        """Where it stands in the network."""
        ...


class Medium:
    """What packets go through.

    Attributes:
        network: what is between the devices.
        seed: decides which packets get lost.
    """

    def __init__(self, network: Network, *, seed: int) -> None:
        self.network = network
        self.seed = seed

    def lost(self, first: str, second: str, packet: str) -> bool:
        """Whether a packet between the devices of two keys gets lost; `packet` tells it from all others between them."""
        loss = self.network.loss
        if not loss:
            return False
        dice = f"{self.seed} {first} {second} {packet}".encode()
        return int.from_bytes(blake2b(dice, digest_size=4).digest(), "big") < loss * 2**32


class Session:
    """What two devices have between them: one of them may not have joined yet.

    Attributes:
        first: the device that came first.
        second: its peer.
    """

    __slots__ = (
        "_at",
        "_first_endpoint",
        "_first_heard",
        "_first_reaches",
        "_first_received",
        "_first_sent",
        "_handshake",
        "_known",
        "_medium",
        "_origin",
        "_second_endpoint",
        "_second_heard",
        "_second_reaches",
        "_second_received",
        "_second_sent",
        "first",
        "second",
    )

    def __init__(self, medium: Medium, now: Timestamp) -> None:
        self._medium = medium
        self.first: End | None = None
        self.second: End | None = None
        self._first_endpoint: AddrPort | None = None
        self._second_endpoint: AddrPort | None = None
        self._first_reaches = self._second_reaches = self._first_heard = self._second_heard = False
        self._first_sent = self._first_received = self._second_sent = self._second_received = 0
        self._handshake = _NEVER
        self._origin = self._at = now
        self._known = -1

    def join(self, device: End, now: Timestamp) -> None:
        """A device knows its peer from now on."""
        self.advance(now)
        if self.first is None:
            self.first = device
            self._first_sent = self._first_received = 0
        else:
            self.second = device
            self._second_sent = self._second_received = 0
        self._handshake = _NEVER
        self._origin = now
        self._known = -1

    def leave(self, device: End, now: Timestamp) -> None:
        """A device forgets its peer."""
        self.advance(now)
        if self.first is device:
            self.first, self._first_endpoint = None, None
        elif self.second is device:
            self.second, self._second_endpoint = None, None
        self._known = -1

    def aim(self, device: End, endpoint: AddrPort, now: Timestamp) -> None:
        """A device sends to this endpoint from now on."""
        self.advance(now)
        mine = self._first_endpoint if self.first is device else self._second_endpoint
        if mine is endpoint or mine == endpoint:
            return
        if self.first is device:
            self._first_endpoint = endpoint
        else:
            self._second_endpoint = endpoint
        self._origin = now
        self._known = -1

    def reading(self, device: End, now: Timestamp) -> PeerReading:
        """What a device says of its peer."""
        self.advance(now)
        if self.first is device:
            made = _OPEN_READING(self._first_endpoint, self._handshake, self._first_received, self._first_sent)
        else:
            made = _OPEN_READING(self._second_endpoint, self._handshake, self._second_received, self._second_sent)
        made.__class__ = PeerReading
        reading: PeerReading = made
        return reading

    def carry(self, sender: End, size: int) -> None:
        """So many bytes of hosts and pods are sent to the other side, beside WireGuard's own."""
        arrived = round(size * (1 - self._medium.network.loss))
        if self.first is sender:
            self._first_sent += size
            self._second_received += arrived
        else:
            self._second_sent += size
            self._first_received += arrived

    def advance(self, now: Timestamp) -> None:
        """Works out what happened until now; nothing but time has changed since the last look."""
        since = self._at
        if since == now:
            return
        self._at = now
        if self._known != self._medium.network.version:
            self._look()
        if self._first_reaches or self._second_reaches:
            self._exchange(since, now)
        else:
            self._call_in_vain(since, now)

    def _look(self) -> None:
        """Works out who reaches whom."""
        self._first_reaches = self._second_reaches = self._first_heard = self._second_heard = False
        network, first, second = self._medium.network, self.first, self.second
        self._known = network.version
        if first is None or second is None:
            return
        here, there = first.host, second.host
        forth, back = self._first_endpoint, self._second_endpoint
        self._first_heard = network.arrives(here, forth, there, answered=back)
        self._second_heard = network.arrives(there, back, here, answered=forth)
        # Both directions must be open even when one side alone knows an endpoint: a handshake has an answer.
        if network.connected(here, there) and network.connected(there, here):
            self._first_reaches, self._second_reaches = self._first_heard, self._second_heard

    def _exchange(self, since: Timestamp, now: Timestamp) -> None:
        self._shake_hands(since, now)
        if now - self._handshake >= _REJECT:
            return
        if not (self._first_reaches and self._second_reaches):
            self._roam()
        self._talk(since, now)
        turns = range((since - self._origin) // _KEEPALIVE, (now - self._origin) // _KEEPALIVE)
        if not turns:
            return
        sent = len(turns) * _KEEPALIVE_BYTES
        self._first_sent += sent
        self._second_sent += sent
        if not self._medium.network.loss:
            self._first_received += sent
            self._second_received += sent
            return
        for turn in turns:
            self._second_received += 0 if self._lost(f"{turn} forth") else _KEEPALIVE_BYTES
            self._first_received += 0 if self._lost(f"{turn} back") else _KEEPALIVE_BYTES

    def _talk(self, since: Timestamp, now: Timestamp) -> None:
        network = self._medium.network
        if not network.traffic:
            return
        # Of what was sent until a moment, so that nothing is rounded away however often somebody looks.
        sent = network.traffic * (now - self._origin) // _S - network.traffic * (since - self._origin) // _S
        arrives = network.traffic * (1 - network.loss)
        arrived = int(arrives * (now - self._origin) / _S) - int(arrives * (since - self._origin) / _S)
        self._first_sent += sent
        self._second_sent += sent
        self._first_received += arrived
        self._second_received += arrived

    def _shake_hands(self, since: Timestamp, now: Timestamp) -> None:
        """Makes the handshakes that were due, and those that failed because one of their two packets was lost."""
        attempt = self._first_attempt(since)
        while attempt + _ROUND_TRIP <= now:
            self._first_sent += _INITIATION_BYTES
            if self._lost(f"{attempt} initiation"):
                attempt = Timestamp(attempt + _RETRY)
                continue
            self._second_received += _INITIATION_BYTES
            self._second_sent += _RESPONSE_BYTES
            if self._lost(f"{attempt} response"):
                attempt = Timestamp(attempt + _RETRY)
                continue
            self._first_received += _RESPONSE_BYTES
            self._handshake = Timestamp(attempt + _ROUND_TRIP)
            attempt = Timestamp(self._handshake + _REKEY)

    def _first_attempt(self, since: Timestamp) -> Timestamp:
        """When the next handshake is due: at the renewal of the key, else at the next turn of the retry timer."""
        renewal = Timestamp(self._handshake + _REKEY)
        if self._handshake != _NEVER and renewal > since:
            return renewal
        waited = max(since - self._origin, 0)
        return Timestamp(self._origin + -(-waited // _RETRY) * _RETRY)

    def _roam(self) -> None:
        """The one that was reached learns where the other is."""
        network, first, second = self._medium.network, self.first, self.second
        if first is None or second is None:
            return
        if self._first_reaches:
            self._second_endpoint = network.seen_as(first.host, second.host)
        else:
            self._first_endpoint = network.seen_as(second.host, first.host)
        self._known = -1

    def _call_in_vain(self, since: Timestamp, now: Timestamp) -> None:
        attempts = (now - self._origin) // _RETRY - (since - self._origin) // _RETRY
        if not attempts:
            return
        calls, answers = attempts * _INITIATION_BYTES, attempts * _RESPONSE_BYTES
        if self.first is not None and self._first_endpoint is not None:
            self._first_sent += calls
            if self._first_heard:  # and answered, but the answer does not arrive
                self._second_received += calls
                self._second_sent += answers
        if self.second is not None and self._second_endpoint is not None:
            self._second_sent += calls
            if self._second_heard:
                self._first_received += calls
                self._first_sent += answers

    def _lost(self, packet: str) -> bool:
        first, second = self.first, self.second
        return first is not None and second is not None and self._medium.lost(first.key, second.key, packet)
