"""The links that are not as they should be, and what both ends' counters prove of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from typing import Final

from talos_resources.insight.facts.clocks import Clocks
from talos_resources.insight.facts.evidence import S_NS, Ground, Pair
from talos_resources.insight.facts.life import Life
from talos_resources.insight.facts.places import Places
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.words import duration, size
from talos_resources.kubespan.constants import TICK_S
from talos_resources.model.timestamp import Timestamp

INITIATION_BYTES: Final = 148
"""What a WireGuard handshake costs who begins it: without any other traffic, bytes sent count the attempts."""
RETRY_S: Final = 5.0
"""How often an attempt is made."""
TRIED_BYTES: Final = 5 * INITIATION_BYTES
"""Less than that is no proof that nothing gets through."""
ANSWERED_BYTES: Final = 3 * INITIATION_BYTES
"""The same of an end at which the other's attempts arrive: it answers each at once, and one answer would have been enough."""


class Way(Enum):
    """What is known of one direction of a link."""

    ARRIVES = "arrives"
    LOST = "lost"
    UNKNOWN = "unknown"


class Pairs:
    """See the module."""

    def __init__(self, ground: Ground, clocks: Clocks, life: Life, places: Places) -> None:
        self._ground = ground
        self._clocks = clocks
        self._life = life
        self._places = places

    @cached_property
    def faulty(self) -> tuple[Pair, ...]:
        """Pairs of nodes of the mesh of which at least one end does not see the other, without new links."""
        found: set[Pair] = set()
        on, fresh, settling = self._life.on, self._life.witnesses, self._life.is_settling
        for link in self._ground.mesh.links(only_faults=True):
            here, there = link.observer.index, link.peer.index
            if here not in fresh or here not in on or there not in on or settling(here, there):
                continue
            if link.state is LinkState.ABSENT and not self.should_know(here, there):
                continue
            found.add((min(here, there), max(here, there)))
        return tuple(sorted(found))

    def should_know(self, observer: int, peer: int) -> bool:
        """Whether a peer that a node does not have is missing: of what was not read nothing is missing."""
        view = self._ground.views[observer]
        if self._ground.is_unread(observer, "KubeSpanPeerSpecs", "KubeSpanPeerStatuses"):
            return False
        if not view.is_whole and not view.specs and not view.statuses:
            return False
        if any(self._is_nobody(index) for index in (observer, peer)) or not self._is_missed(observer, peer):
            return False
        return peer in self._life.fresh or bool(self._life.listed_by(peer))

    def _is_missed(self, observer: int, peer: int) -> bool:
        """Whether the lists that a node's data hold are proof that it does not have a peer.

        A pasted list may be cut at any document, or be a choice: two lists that both lack the peer are no accident. And
        of a type that no node's data hold, nothing is missing.
        """
        view = self._ground.views[observer]
        unheard = not self._ground.lists(observer, peer) and not self._ground.is_unread(observer, "Affiliates")
        if view.is_whole:
            return bool(view.specs or view.statuses or unheard) or any(other.specs for other in self._ground.views.values())
        return bool(view.statuses) + bool(view.specs) + (bool(view.affiliates) and unheard) > 1

    def _is_nobody(self, index: int) -> bool:
        """Whether only a pasted list is there of a node, and nothing tells by what key others know it."""
        view = self._ground.views.get(index)
        return view is not None and not view.is_whole and not self._ground.nodes[index].public_key

    def of(self, index: int) -> frozenset[Pair]:
        """Those of one node."""
        return self._by_node.get(index, frozenset())

    @cached_property
    def _by_node(self) -> dict[int, frozenset[Pair]]:
        found: dict[int, set[Pair]] = {}
        for pair in self.faulty:
            for index in pair:
                found.setdefault(index, set()).add(pair)
        return {index: frozenset(pairs) for index, pairs in found.items()}

    def is_cut_off(self, index: int) -> bool:
        """Whether no node has a link to it and it has none."""
        return bool(self.of(index)) and not any(self.is_alive(index, node.index) for node in self._ground.nodes if node.index != index)

    def is_alive(self, here: int, there: int) -> bool:
        """Whether either end has the link up, or it may come up."""
        return any(
            observer in self._life.witnesses and self._life.is_alive(observer, peer) for observer, peer in ((here, there), (there, here))
        )

    def ever(self, pair: Pair) -> bool:
        """Whether the two ever had a handshake."""
        return self.last_handshake(pair) > 0

    def last_handshake(self, pair: Pair) -> Timestamp:
        """The last one that either end noted; zero or before if there was none."""
        here, there = pair
        statuses = (self._ground.status(here, there), self._ground.status(there, here))
        return max((status.last_handshake_time for status in statuses if status is not None), default=Timestamp.ZERO)

    def down_for(self, pairs: list[Pair]) -> str:
        """Since when a set of links is down, in words."""
        last = max((self.last_handshake(pair) for pair in pairs), default=Timestamp.ZERO)
        if last <= 0:
            return "has never been up" if len(pairs) == 1 else "have never been up"
        ago = duration(max(0.0, (self._clocks.reference - last) / S_NS))
        return f"{'has' if len(pairs) == 1 else 'have'} been down for {ago} (last handshake {last.to_datetime():%H:%M:%S})"

    def way(self, sender: int, receiver: int) -> Way:
        """Whether what one end of a dead link sends reaches the other, as the counters of both prove."""
        sent, got = self._ground.status(sender, receiver), self._ground.status(receiver, sender)
        if got is None or (sender not in self._life.fresh and sent is None):
            return Way.UNKNOWN
        if got.last_handshake_time.is_zero and got.receive_bytes >= INITIATION_BYTES:
            return Way.ARRIVES  # without any handshake these can only be attempts
        if sent is None:
            return Way.UNKNOWN
        if got.receive_bytes == 0 and sent.last_handshake_time.is_zero and min(sent.receive_bytes, sent.transmit_bytes) >= ANSWERED_BYTES:
            return Way.LOST
        if self._begun_together(sender, receiver):
            return self._compared(sent.transmit_bytes, got.receive_bytes, self._tried_bytes(sender, receiver))
        if got.receive_bytes == 0 and sent.transmit_bytes >= TRIED_BYTES:
            return Way.LOST
        return Way.UNKNOWN

    def _begun_together(self, one: int, other: int) -> bool:
        """Whether both ends count from the same moment."""
        mine, theirs = self._age_s(one, other), self._age_s(other, one)
        return mine is not None and theirs is not None and abs(mine - theirs) < max(3 * TICK_S, 0.02 * max(mine, theirs))

    def _age_s(self, observer: int, peer: int) -> float | None:
        made, view = self._ground.made(observer, peer), self._ground.views.get(observer)
        return (view.as_of - made) / S_NS if view is not None and made > 0 else None

    def _tried_bytes(self, observer: int, peer: int) -> int:
        """What a node has spent on attempts since the last handshake."""
        status, view = self._ground.status(observer, peer), self._ground.views.get(observer)
        if status is None or view is None:
            return 0
        since = max(status.last_handshake_time, self._ground.made(observer, peer))
        return int((view.as_of - since) / S_NS / RETRY_S * INITIATION_BYTES) if since > 0 else 0

    @staticmethod
    def _compared(sent: int, received: int, tried: int) -> Way:
        lost = sent - received
        if sent < TRIED_BYTES:
            return Way.UNKNOWN
        if received == 0 or (tried >= TRIED_BYTES and lost > 0.5 * tried):
            return Way.LOST
        # Attempts that got through leave next to no difference.
        return Way.ARRIVES if abs(lost) < max(INITIATION_BYTES, 0.25 * tried) else Way.UNKNOWN

    def blocked_way(self, pair: Pair) -> Pair | None:
        """From whom to whom packets get lost, where those of the other direction arrive; None if that cannot be told."""
        forth, back = self.way(*pair), self.way(*pair[::-1])
        if forth is Way.LOST and back is Way.ARRIVES:
            return pair
        return (pair[1], pair[0]) if back is Way.LOST and forth is Way.ARRIVES else None

    def is_half_open(self, pair: Pair) -> bool:
        """Whether packets of one end arrive, and nothing says so of the other's: then endpoints and keys are right."""
        ways = {self.way(*pair), self.way(*pair[::-1])}
        return Way.ARRIVES in ways and len(ways) > 1 and all(index in self._life.fresh for index in pair)

    def is_refused(self, pair: Pair) -> bool:
        """Whether packets arrive at both ends and yet there is no handshake."""
        return self.way(*pair) is Way.ARRIVES and self.way(*pair[::-1]) is Way.ARRIVES

    def recovered_neighbours(self, pair: Pair) -> list[Pair]:
        """Links between the same two places that had an outage at the time and came back: (observer, peer).

        That they did shows by their endpoint: it was set anew after the pair's last handshake.
        """
        last, found = self.last_handshake(pair), []
        for here, there in (pair, pair[::-1]):
            for other in self._places.neighbours(there):
                status = self._ground.status(here, other)
                if other == here or status is None or self._ground.state(here, other) is not LinkState.UP:
                    continue
                if status.last_endpoint_change > last:
                    found.append((here, other))
        return found

    def attempts(self, pairs: list[Pair]) -> Iterator[str]:
        """What each end has tried and counted, a line each."""
        for pair in pairs:
            for observer, peer in (pair, pair[::-1]):
                yield from self._attempts(observer, peer)

    def _attempts(self, observer: int, peer: int) -> Iterator[str]:
        status, view = self._ground.status(observer, peer), self._ground.views.get(observer)
        if status is None or view is None:
            return
        targets = self._ground.targets(observer, peer)
        where = ", ".join(map(str, targets or (status.endpoint,))) if targets or status.endpoint else self._nowhere(peer)
        name, received = self._ground.name(observer), f"{size(status.receive_bytes)} received"
        if status.last_handshake_time.is_zero:
            ways = len(targets or ())
            span = self._age_s(observer, peer) or 0.0
            rounds = int(span / (TICK_S * ways)) if ways > 1 and status.transmit_bytes else 0
            circle = f", {'both' if ways == 2 else f'all {ways}'} in turn, {rounds} times" if rounds > 1 else ""
            tried = status.transmit_bytes // INITIATION_BYTES
            yield f"{name} tries {where} for {self._ground.name(peer)}{circle}: about {tried} handshakes begun, none answered, {received}"
        else:
            change, used = status.last_endpoint_change, status.last_used_endpoint
            turned = (
                f"no handshake since it turned to {used} at {change.to_datetime():%H:%M:%S}, "
                if change > status.last_handshake_time
                else ""
            )
            yield f"{name} tries {where} for {self._ground.name(peer)} ({turned}{received}, {size(status.transmit_bytes)} sent in all)"

    def _nowhere(self, peer: int) -> str:
        return "endpoints that are hidden here" if self._ground.is_hidden(self._ground.nodes[peer].public_key) else "nowhere"

    def proofs(self, pairs: list[Pair]) -> Iterator[str]:
        """What counters prove of the directions, a line each."""
        for pair in pairs:
            for sender, receiver in (pair, pair[::-1]):
                sent, got, way = self._ground.status(sender, receiver), self._ground.status(receiver, sender), self.way(sender, receiver)
                if got is None or way is Way.UNKNOWN:
                    continue
                names = f"{self._ground.name(sender)} → {self._ground.name(receiver)}"
                if way is Way.ARRIVES:
                    yield f"{names}: what is sent arrives, {size(got.receive_bytes)} in all"
                elif sent is not None:
                    lost = size(max(0, sent.transmit_bytes - got.receive_bytes))
                    yield f"{names}: {lost} of {size(sent.transmit_bytes)} sent did not arrive"
