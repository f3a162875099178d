"""What a recording adds to a finding: since when, how often, and what changed just before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from talos_resources.insight.causes.flapping_link import falls_of
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS, Pair
from talos_resources.insight.words import clock, duration, some
from talos_resources.model.timestamp import Timestamp

BEFORE_S: Final = 600.0
"""A link is called down 275 s after its last handshake; what broke it is older than that, and not much."""
TOLD: Final = 3
"""So many changes are told."""


def chronicle(case: Case, pairs: Iterable[Pair], nodes: Iterable[int]) -> Iterator[str]:
    """Lines of evidence from the past of some links and nodes; none without a recording."""
    past = case.snapshot.past
    if past is None:
        return
    falls = {pair: times for pair in pairs if (times := case.once(falls_of).get(pair))}
    broken = None
    if falls:
        broken = max(times[-1] for times in falls.values())
        often = max(len(times) for times in falls.values())
        again = f", {some(often, 'time')} since {clock(past.since, case.reference)}" if often > 1 else ""
        ago = f"{duration((past.until - broken) / S_NS)} before the end of the recording"
        yield f"recorded: went down at {clock(broken, case.reference)}, {ago}{again}"
    names = {view.node for index, view in case.views.items() if index in set(nodes)}
    words = {case.name(index) for index in nodes}
    for change in _before(case, broken):
        if change[1] in names or any(word in change[2] for word in words):
            yield f"changed at {clock(change[0], case.reference)}: {change[2]}"
    for gap in past.gaps[-1:]:
        yield f"nothing was recorded from {clock(gap[0], case.reference)} to {clock(gap[1], case.reference)}"


def _before(case: Case, broken: Timestamp | None) -> list[tuple[Timestamp, str, str]]:
    """The changes just before the links broke; the last ones of all where it is not known when."""
    past = case.snapshot.past
    assert past is not None
    seen: dict[str, tuple[Timestamp, str, str]] = {}
    for change in past.changes:
        if broken is None or -60 < (broken - change.at) / S_NS < BEFORE_S:
            seen.setdefault(change.what, (change.at, change.node, change.what))
    return list(seen.values())[-TOLD:]
