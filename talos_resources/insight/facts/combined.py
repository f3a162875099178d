"""What `doctor` reasons about: the evidence of a snapshot, and the facts that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, cast

from talos_resources.insight.facts.clocks import Clocks
from talos_resources.insight.facts.evidence import Ground, Pair
from talos_resources.insight.facts.life import Life
from talos_resources.insight.facts.pairs import Pairs
from talos_resources.insight.facts.places import Places
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.snapshot import Snapshot
from talos_resources.insight.words import clock, duration
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus

T = TypeVar("T")


class Case(Ground):
    """The evidence, and the facts by subject.

    Attributes:
        clocks: when each report was true.
        life: who is there.
        places: where each node is, and whom it can call.
        pairs: links with a fault, and what counters prove of them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.clocks = Clocks(self)
        self.life = Life(self, self.clocks)
        self.places = Places(self, self.life)
        self.pairs = Pairs(self, self.clocks, self.life, self.places)

    @property
    def reference(self) -> Timestamp:
        """The time that most nodes agree on."""
        return self.clocks.reference

    def ago_s(self, moment: Timestamp) -> float:
        """Seconds from a moment to then; never negative."""
        return max(0.0, (self.reference - moment) / 1e9)

    def last_sign(self, index: int) -> tuple[str, ...]:
        """When somebody had the last handshake with a node, and who, for the evidence; nothing if nobody is known to have had one."""
        last = self.life.last_handshake(index)
        if last is None:
            return ()
        moment, other = last
        ago = duration(self.ago_s(moment))
        return (f"last handshake with anybody: {clock(moment, self.reference)}, {ago} ago ({self.name(other)})",)

    @cached_property
    def _worked_out(self) -> dict[Callable[..., Any], Any]:
        return {}

    def is_there(self, index: int) -> bool:
        """Whether a peer is known to be a machine of its own: it speaks for itself, or somebody has it up."""
        return index in self.life.fresh or any(self.is_up(observer, index) for observer in self.life.fresh if observer != index)

    def once(self, work: Callable[[Case], T]) -> T:
        """What several causes ask, worked out once."""
        if work not in self._worked_out:
            self._worked_out[work] = work(self)
        return cast("T", self._worked_out[work])

    @cached_property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """Nodes in sets that are connected by links that are up, the largest first; without those of which nothing is known."""
        witnesses = self.life.witnesses
        left, sets = set(self.life.on), []
        while left:
            start = min(left)
            left.discard(start)
            reached, edge = [start], [start]
            while edge:
                here = edge.pop()
                found = [other for other in left if LinkState.UP in {self.mesh.state(here, other), self.mesh.state(other, here)}]
                left.difference_update(found)
                reached += found
                edge += found
            if len(reached) > 1 or start in witnesses:
                sets.append(tuple(sorted(reached)))
        return tuple(sorted(sets, key=lambda nodes: (-len(nodes), nodes)))

    def up_links(self) -> Iterator[tuple[Pair, KubeSpanPeerStatus, KubeSpanPeerStatus]]:
        """Pairs of nodes that both answered and both see the other up, with what each holds of the other."""
        indexes = sorted(self.life.fresh)
        held = {index: self.mesh.statuses(index) or () for index in indexes}
        for position, here in enumerate(indexes):
            row, column, mine = self.mesh.row(here), self.mesh.column(here), held[here]
            for there in indexes[position + 1 :]:
                if row[there] is LinkState.UP is column[there]:
                    one, other = mine[there], held[there][here]
                    if one is not None and other is not None:
                        yield (here, there), one, other
