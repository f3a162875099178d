"""A wrong clock."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import clock, duration, limited, verb


@cause(
    "clock-skew",
    "the clock of a node is wrong",
    tier=Tier.CONFIGURATION,
    needs="handshake times of both ends, or TimeStatuses; after a reboot, for how long each end has had none",
    predicts="all its handshakes are dated off by the same amount as its report; after a jump back WireGuard takes its "
    "handshakes for replays",
    against="handshake times that scatter, and counters that lag: then the report is of another moment",
)
def clock_skew(case: Case) -> Iterator[Hypothesis]:
    """Told from an old report by what both ends note of the same handshakes."""
    found = case.clocks.skewed
    if not found:
        return
    every = sorted(found)
    own = [pair for pair in case.pairs.faulty if not found.keys().isdisjoint(pair)]
    how = [f"{duration(found[index])} {'ahead of' if found[index] > 0 else 'behind'}" for index in every]
    title = (
        f"the clock of {case.name(every[0])} is {how[0]} the others'"
        if len(every) == 1
        else f"the clocks of {case.names(every)} are wrong: {', '.join(how[:4])} the others'"
    )
    yield Hypothesis(
        title=title,
        explains=links(own),
        evidence=lambda: limited(line for index in every for line in _signs(case, index)),
        why="WireGuard takes handshakes of a clock that went back for replays and refuses them; TLS certificates seem not yet "
        "or no longer valid to it."
        if own
        else "TLS certificates seem not yet or no longer valid to it; after a jump back WireGuard takes its handshakes for replays.",
        advice=f"set the time of {case.names(every)}: check that {verb(len(every), 'it reaches its', 'they reach their')} time "
        f"servers (UDP 123)",
        steps=(f"talosctl -n {case.asked(every[0])} time", f"talosctl -n {case.asked(every[0])} get timestatus,timeservers"),
        after="TimeStatuses: synced is true; links come back with the next handshake, as soon as the time is later than it has ever been",
        certainty=Certainty.CERTAIN if any(case.clocks.shift_s(index) is not None for index in every) else Certainty.LIKELY,
        decide="`talosctl time` shows the offset of each node",
        stands=True,
    )


def _signs(case: Case, index: int) -> Iterator[str]:
    mine, theirs = case.views[index].as_of, case.reference
    yield f"{case.name(index)}: its newest status is from {clock(mine, theirs)}, those of most others from {clock(theirs, mine)}"
    if case.clocks.shift_s(index) is not None:
        yield "it dates its handshakes as far off as its peers date the same ones"
    elif (alone := case.clocks.alone_s(index)) is not None:
        yield f"it has had no handshake for {duration(alone[0])} by its clock, nor they with it for {duration(alone[1])} by theirs"
    if case.views[index].is_synced is False:
        yield "TimeStatuses: synced is false"
