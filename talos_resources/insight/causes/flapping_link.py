"""A link that goes up and down."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS, Pair
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import by_shared_end, ordered, subject
from talos_resources.insight.words import clock, duration, limited, middle, some, verb
from talos_resources.model.finding import Severity
from talos_resources.model.timestamp import Timestamp

OFTEN = 3
"""A restart or an outage takes a link down once or twice."""
QUIET: Final = 4
"""A link that stayed up for so many times the longest pause between two falls is mended."""


@cause(
    "flapping-link",
    "a link goes up and down (recordings), with its rhythm",
    tier=Tier.COMMON,
    needs="a recording",
    predicts="the link goes down again and again, in the same rhythm if something expires",
    against="all links of a node go down with it: then it restarts",
    guide=STATUSES_GUIDE,
)
def flapping_link(case: Case) -> Iterator[Hypothesis]:
    """Only the past shows it: at the moment of looking it may be up."""
    falls = {pair: times for pair, times in case.once(falls_of).items() if len(times) >= OFTEN}
    for shared, pairs in by_shared_end(falls):
        times = sorted(falls[pairs[0]])
        gaps = [(later - earlier) / S_NS for earlier, later in itertools.pairwise(times)]
        faulty = [pair for pair in pairs if pair in case.pairs.faulty]
        is_over = not faulty and min(_quiet_s(case, falls[pair][-1]) for pair in pairs) > QUIET * max(gaps)
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {_does(len(pairs), is_over=is_over)} up and down: {some(len(times), 'time')} "
            f"since {clock(times[0], case.reference)}, {_rhythm(gaps)}; {_now(case, times, is_down=bool(faulty), is_over=is_over)}",
            explains=links(faulty),
            evidence=lambda pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                f"{case.pair_name(pair)} went down at {', '.join(clock(moment, case.reference) for moment in sorted(falls[pair])[-6:])}"
                for pair in pairs
            ),
            why="Something between the two forgets or drops the connection: a firewall's session limit, a NAT, a failing line or an "
            "unstable route.",
            advice=_advice(gaps, is_over=is_over),
            steps=(f"talosctl -n {case.asked(pairs[0][0])} get kubespanpeerstatuses -w",),
            after="the link stays up for several times that long",
            certainty=Certainty.CERTAIN,
            decide="whether other traffic between the two is interrupted at the same moments",
            stands=True,
            severity=Severity.NOTE if is_over else None,
        )


def _does(count: int, *, is_over: bool) -> str:
    return "went" if is_over else verb(count, "goes", "go")


def _quiet_s(case: Case, moment: Timestamp) -> float:
    """Seconds from a recorded moment to the end of the recording: both by the clock of whoever recorded."""
    assert case.snapshot.past is not None
    return (case.snapshot.past.until - moment) / S_NS


def _is_regular(gaps: list[float]) -> bool:
    """Whether there is a rhythm: what comes at odd times has none."""
    usual = middle(gaps)
    return usual / 2 <= min(gaps) and max(gaps) <= 2 * usual


def _rhythm(gaps: list[float]) -> str:
    return f"about every {duration(middle(gaps))}" if _is_regular(gaps) else f"{duration(min(gaps))} to {duration(max(gaps))} apart"


def _advice(gaps: list[float], *, is_over: bool) -> str:
    if is_over:
        return "nothing as long as it stays up; if it begins again, look at the line and at what expires on the way between the two"
    if _is_regular(gaps):
        return "look at what expires in this rhythm on the way between the two (firewall sessions, NAT mappings, leases, failover)"
    return "look at what happened at these moments on the way between the two (line errors, changes of routes, restarts of routers)"


def _now(case: Case, times: list[Timestamp], *, is_down: bool, is_over: bool) -> str:
    if is_over:
        return f"not again for {duration(_quiet_s(case, times[-1]))}"
    return "down now" if is_down else "up now"


def falls_of(case: Case) -> dict[Pair, list[Timestamp]]:
    """Pairs → when either end saw the link go down; of both ends that which saw it more often."""
    past = case.snapshot.past
    found: dict[Pair, list[Timestamp]] = {}
    if past is None:
        return found
    index_of = {view.node: index for index, view in case.views.items()}
    for (node, key), link in past.links.items():
        here, there = index_of.get(node), case.index_of.get(key)
        if here is None or there is None:
            continue
        times = [turn.at for turn in link.states if turn.old == "up" and turn.new != "up"]
        pair = ordered(here, there)
        if len(times) > len(found.get(pair, ())):
            found[pair] = times
    return found
