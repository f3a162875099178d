"""Sessions that are not renewed in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from talos_resources.insight.causes.lost_bytes import losses
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import duration, limited
from talos_resources.kubespan.constants import PEER_DOWN_S, TICK_S
from talos_resources.model.finding import Severity
from talos_resources.resources import KubeSpanPeerStatus

LATE_S = 156
"""A session is renewed when something is sent after 120 s, keepalives go every 25 s, and a lost attempt is repeated after 5 s."""

LATE_NS = LATE_S * S_NS
GONE_S = PEER_DOWN_S + 2 * TICK_S
"""After that a link is down; one that is called up with an older handshake was not written at one moment."""


@cause(
    "late-handshakes",
    "sessions are not renewed in time although the links are up",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="peer statuses of both ends",
    predicts="last handshakes of links that are up are older than keepalives allow",
    against="up to 120 s and a keepalive of 25 s: an idle link",
    guide=STATUSES_GUIDE,
)
def late_handshakes(case: Case) -> Iterator[Hypothesis]:
    """Before a link goes down, and where many packets get lost, handshakes come late."""
    late: list[tuple[float, int, int]] = []
    due = {index: view.as_of - LATE_NS for index, view in case.life.fresh.items()}
    lossy = {frozenset((loss.sender, loss.receiver)) for loss in case.once(losses) if loss.is_steady}
    for (here, there), mine, theirs in case.up_links():
        if mine.last_handshake_time >= due[here] or frozenset((here, there)) in lossy:  # of half a million links nearly all
            continue
        age = min(_age_s(case, here, mine), _age_s(case, there, theirs))
        if LATE_S < age < GONE_S:
            late.append((age, here, there))
    if not late:
        return
    late.sort(reverse=True)
    links = Counter(index for pair, _, _ in case.up_links() for index in pair)
    by_node = Counter(index for _, *pair in late for index in pair)
    one = next((index for index, count in by_node.items() if 1 < count == links[index] and count == len(late)), None)
    be, its = ("is", "its") if len(late) == 1 else ("are", "their")
    some = f"{len(late)} of {links.total() // 2} links {be} late to renew {its} session"
    who = f"nobody has renewed its session with {case.name(one)}" if one is not None else some
    yield Hypothesis(
        title=f"{who}: the last handshakes are more than {LATE_S} s old",
        evidence=lambda: limited(f"{case.pair_name((here, there))}: last handshake {duration(age)} ago" for age, here, there in late),
        why="The node has just gone, or its line."
        if one is not None
        else "Handshakes get lost on the way: a line that is saturated or faulty.",
        advice="look again in two minutes: links go down 275 s after the last handshake",
        after="the last handshakes are less than two and a half minutes old",
        certainty=Certainty.POSSIBLE,
        decide="look again in two minutes",
        stands=True,
    )


def _age_s(case: Case, observer: int, status: KubeSpanPeerStatus) -> float:
    return (case.views[observer].as_of - status.last_handshake_time) / S_NS if status.last_handshake_time > 0 else 0.0
