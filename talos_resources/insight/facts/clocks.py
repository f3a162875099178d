"""When each report was true, whose clock is wrong, and whose report is old.

Both ends of a link note the same handshake, each by its own clock. A wrong clock shifts all of a node's
handshakes against those of its peers by the same amount, which is also that of its report. An old report, or one
that was read later, scatters: sessions are renewed every two minutes, and its counters lag.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from talos_resources.insight.facts.evidence import S_NS, Ground
from talos_resources.insight.words import middle
from talos_resources.kubespan.constants import TICK_S
from talos_resources.model.timestamp import Timestamp

LATE_S: Final = 3 * TICK_S
"""Reports that are further apart are not of one moment, or not of one clock."""
GAP_S: Final = 420.0
"""Reading many nodes takes minutes; a report that is so much older than the next one was not read with it."""
SAME_S: Final = 5.0
"""Handshake times of both ends that differ by no more from each other are of the same shift."""
SESSION_S: Final = 150.0
LITTLE: Final = 0.2
"""A lag of counters that is less than this share of an offset does not explain it."""
AHEAD_S: Final = 3600.0
"""No reading takes so long: a report so far ahead of all others is of a wrong clock."""


class Clocks:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    @cached_property
    def reference(self) -> Timestamp:
        """The time that most nodes agree on; `Timestamp.ZERO` if none tells."""
        times = [view.as_of for view in self._ground.snapshot.views if not view.as_of.is_zero]
        return sorted(times)[(len(times) - 1) // 2] if times else Timestamp.ZERO

    def offset_s(self, index: int) -> float:
        """By how many seconds the report of a node is ahead of most others; 0 if it has none."""
        view = self._ground.views.get(index)
        return 0.0 if view is None or view.as_of.is_zero else (view.as_of - self.reference) / S_NS

    @cached_property
    def skewed(self) -> Mapping[int, float]:
        """Nodes whose clock is wrong → by how many seconds it is ahead."""
        if len(self._reported) < 2:
            return {}
        late = {index: offset for index in self._reported if abs(offset := self.offset_s(index)) > LATE_S}
        return {index: offset for index, offset in late.items() if self._is_clock(index, offset)}

    @cached_property
    def _reported(self) -> tuple[int, ...]:
        return tuple(index for index, view in self._ground.views.items() if not view.as_of.is_zero)

    def _is_clock(self, index: int, offset: float) -> bool:
        shift = self.shift_s(index)
        synced = self._ground.views[index].is_synced
        if shift is None:
            if self._has_common(index):
                return self._is_band(index, offset)
            return offset > AHEAD_S or synced is False or (offset < -2 * GAP_S and self.alone_s(index) is not None)
        apart = GAP_S if self._is_agreed(index) else SESSION_S  # reports are read minutes apart
        near = abs(shift - offset) < max(apart, 0.05 * abs(offset))
        return near and abs(shift) > LATE_S and not self._counters_explain(index, offset)

    def alone_s(self, index: int) -> tuple[float, float] | None:
        """For how long a node that was booted has had no handshake by its clock, and since when its peers have had none by theirs.

        Only if the two are the same, but for the boot: an old report would be of another outage, or of a shorter part of
        this one. None otherwise, and if it has had any.
        """
        view = self._ground.views[index]
        if not view.statuses or any(not held.spec.last_handshake_time.is_zero for held in view.statuses):
            return None
        own = max((view.as_of - held.metadata.created) / S_NS for held in view.statuses)
        theirs = []
        for other in self._reported:
            status = self._ground.status(other, index) if other != index else None
            if status is not None and not status.last_handshake_time.is_zero:
                theirs.append((self._ground.views[other].as_of - status.last_handshake_time) / S_NS)
        since = min(theirs, default=0.0)
        return (own, since) if len(theirs) > 1 and since / 2 < own < since + SESSION_S and since - own < GAP_S else None

    def _is_agreed(self, index: int) -> bool:
        """Whether so many peers are off by the same that it is no chance."""
        return len(self._agreeing(index)) > max(2, 0.7 * len(self._differences(index)))

    def _is_band(self, index: int, offset: float) -> bool:
        """Whether handshakes are off by about the offset, as of readings minutes apart, and counters show that it is no old report."""
        near = all(abs(value - offset) < GAP_S for value in self._differences(index).values())
        lag = self._lag_s(index, offset, self._differences(index))
        return near and abs(offset) > 2 * GAP_S and lag is not None and lag < LITTLE * abs(offset)

    def _lag_s(self, index: int, offset: float, others: Iterable[int]) -> float | None:
        """By how many seconds of traffic the earlier end of links is behind the later; None if nothing tells."""
        lags = []
        for other in others:
            mine, theirs = self._ground.status(index, other), self._ground.status(other, index)
            age = (self._ground.views[index].as_of - self._ground.made(index, other)) / S_NS
            if mine is not None and theirs is not None and age > 0 and self._count_alike(index, other):
                sent, got = (theirs.transmit_bytes, mine.receive_bytes) if offset > 0 else (mine.transmit_bytes, theirs.receive_bytes)
                lags += [(got - sent) * age / sent] if sent > 0 else []
        return middle(lags) if lags else None

    def shift_s(self, index: int) -> float | None:
        """By how many seconds a node dates handshakes later than its peers do, if most agree on it; None otherwise."""
        agreeing = self._agreeing(index)
        return middle(agreeing.values()) if agreeing else None

    def _agreeing(self, index: int) -> dict[int, float]:
        """The peers, more than half of them, by whose handshakes the node is off by the same → that."""
        if index not in self._agreed:
            self._agreed[index] = _most(self._differences(index))
        return self._agreed[index]

    @cached_property
    def _agreed(self) -> dict[int, dict[int, float]]:
        return {}

    def _has_common(self, index: int) -> bool:
        return bool(self._differences(index))

    def _differences(self, index: int) -> dict[int, float]:
        if index not in self._different:
            found = self._different[index] = {}
            for other in self._reported:
                mine, theirs = self._ground.status(index, other), self._ground.status(other, index)
                if mine is None or theirs is None or mine.last_handshake_time.is_zero or theirs.last_handshake_time.is_zero:
                    continue
                found[other] = (mine.last_handshake_time - theirs.last_handshake_time) / S_NS
        return self._different[index]

    @cached_property
    def _different(self) -> dict[int, dict[int, float]]:
        return {}

    def _counters_explain(self, index: int, offset: float) -> bool:
        """Whether counters show that the report is of another moment than those of the peers by whose handshakes it is off.

        The later end of two has received more than the earlier says it has sent, and by as much as passes in that time.
        """
        later = earlier = 0
        alike = [other for other in self._agreeing(index) if self._count_alike(index, other)]
        if not alike:
            return abs(offset) < GAP_S  # after a reboot all sessions begin together: they may agree and yet be others
        for other in alike:
            mine, theirs = self._ground.status(index, other), self._ground.status(other, index)
            if mine is not None and theirs is not None:
                later += mine.receive_bytes > theirs.transmit_bytes
                earlier += theirs.receive_bytes > mine.transmit_bytes
        lag = self._lag_s(index, offset, alike)
        if lag is not None and lag < LITTLE * abs(offset):
            return False  # minutes between two readings, where hours are to be explained
        return later > earlier if offset > 0 else earlier > later

    def _count_alike(self, index: int, other: int) -> bool:
        """Whether both ends of a link have counted for as long: neither has been booted since the other began."""
        mine, theirs = self._ground.made(index, other), self._ground.made(other, index)
        ages = self._ground.views[index].as_of - mine, self._ground.views[other].as_of - theirs
        # By the ages the clocks are left out of it, by the moments when the reports were made.
        return min(abs(ages[0] - ages[1]), abs(mine - theirs)) < max(LATE_S * S_NS, 0.02 * max(ages))

    @cached_property
    def old_reports(self) -> Mapping[int, float]:
        """Nodes that have not written their statuses for long → seconds since."""
        if len(self._reported) < 2:
            return {}
        right = sorted((self.offset_s(index), index) for index in self._reported if index not in self.skewed)
        found: dict[int, float] = {}
        group: list[int] = []
        for (offset, index), later in zip(right, [*right[1:], None], strict=True):
            group.append(index)
            if later is None:
                break
            if later[0] - offset > GAP_S:
                found.update({each: -self.offset_s(each) for each in group if self.offset_s(each) < -LATE_S})
                group = []
        return found


def _most(differences: Mapping[int, float]) -> dict[int, float]:
    """Those, more than half of them, that differ by no more than `SAME_S` from the largest that so many are near."""
    values = sorted(differences.values())
    for one in sorted(values, key=abs, reverse=True):
        if 2 * (bisect_right(values, one + SAME_S) - bisect_left(values, one - SAME_S)) > len(values):
            return {other: value for other, value in differences.items() if abs(value - one) <= SAME_S}
    return {}
