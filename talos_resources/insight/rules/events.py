"""What is no fault now but tells what has happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from talos_resources.insight.case import S_NS, Case, duration, limited, up_pairs
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.kubespan.constants import TICK_S
from talos_resources.model.finding import Finding, Severity

LOST_BYTES = 4096
LOST_SHARE = 0.1
SAME_AGE_NS = 60 * S_NS
SESSION_NS = 180 * S_NS
RETRY_NS = 5 * S_NS
HANDSHAKE_BYTES = 148


class Loss(NamedTuple):
    """What one end of a link sent and the other did not get.

    Attributes:
        share: of what was sent.
        sender: index of the node.
        receiver: index of the node.
        sent: bytes.
        lost: bytes.
        is_steady: more than an interruption of the link can explain.
    """

    share: float
    sender: int
    receiver: int
    sent: int
    lost: int
    is_steady: bool


def losses(case: Case) -> list[Loss]:
    """Both ends count since the link was made: what one sent and the other did not get is lost. The worst first."""
    found: list[Loss] | None = case.memo.get("losses")
    if found is None:
        found = case.memo["losses"] = sorted(_losses(case), key=lambda loss: (-loss.share, loss[1:]))
    return found


def _losses(case: Case) -> Iterator[Loss]:
    created = {index: {status.id: status.metadata.created for status in view.statuses} for index, view in case.fresh.items()}
    keys = [node.public_key for node in case.nodes]
    for here, there in up_pairs(case):
        mine, theirs = case.status(here, there), case.status(there, here)
        if mine is None or theirs is None:
            continue
        for sender, receiver, sent, received in (
            (here, there, mine.transmit_bytes, theirs.receive_bytes),
            (there, here, theirs.transmit_bytes, mine.receive_bytes),
        ):
            lost = sent - received
            if lost <= LOST_BYTES or lost <= LOST_SHARE * sent:
                continue
            begun = created[here][keys[there]], created[there][keys[here]]
            seen = case.views[sender].as_of, case.views[receiver].as_of
            # Counters that began at different times tell nothing; those of different moments differ by what was sent between.
            between = abs(seen[0] - seen[1]) + TICK_S * S_NS
            age = max(seen[0] - begun[0], between)
            if abs(begun[0] - begun[1]) < SAME_AGE_NS and lost > 3 * sent * between / age:
                # Into a link that is interrupted goes what is sent until its session ends, then one handshake every 5 s.
                interrupted = sent * SESSION_NS / age + HANDSHAKE_BYTES * age / RETRY_NS
                yield Loss(lost / sent, sender, receiver, sent, lost, lost > interrupted)


@rule("lost-bytes", "much of what one end sent did not reach the other", severity=Severity.WARNING, guide="KubeSpan, KubeSpanPeerStatuses")
def lost_bytes(case: Case, this: Rule) -> Iterator[Finding]:
    """A warning where more got lost than an interruption explains, else a note."""
    every = losses(case)
    for severity, cause in (
        (Severity.WARNING, "Packets get lost on the way, more than an interruption of the link explains."),
        (Severity.NOTE, "The links were interrupted for a while, or packets get lost: the counters run since a link was made."),
    ):
        found = [loss for loss in every if loss.is_steady is (severity is Severity.WARNING)]
        if not found:
            continue
        sent, lost = sum(loss.sent for loss in found), sum(loss.lost for loss in found)
        links = "a link that is" if len(found) == 1 else f"{len(found)} links that are"
        yield this.found(
            f"{round(100 * lost / sent)} % of the bytes on {links} up got lost",
            evidence=limited(
                f"{case.name(loss.sender)} → {case.name(loss.receiver)}: {loss.lost} of {loss.sent} bytes sent did not arrive"
                for loss in found
            ),
            cause=cause,
            advice="look twice (`mesh -w -o wide`): if what arrives stays below what is sent, look for a saturated or faulty line",
            severity=severity,
        )


LATE_S = 150.0
"""A session is renewed when something is sent after 120 s, and keepalives go every 25 s."""


@rule(
    "late-handshakes",
    "sessions are not renewed in time although the links are up",
    severity=Severity.WARNING,
    guide="KubeSpan, KubeSpanPeerStatuses",
)
def late_handshakes(case: Case, this: Rule) -> Iterator[Finding]:
    """Before a link goes down, and where many packets get lost, handshakes come late."""
    late: list[tuple[float, int, int]] = []
    links: Counter[int] = Counter()
    lossy = {frozenset((loss.sender, loss.receiver)) for loss in losses(case) if loss.is_steady}
    for here, there in up_pairs(case):
        links.update((here, there))
        if lossy and frozenset((here, there)) in lossy:
            continue
        mine = case.status(here, there)
        age = (case.views[here].as_of - mine.last_handshake_time) / S_NS if mine is not None and mine.last_handshake_time > 0 else 0.0
        if age > LATE_S:
            late.append((age, here, there))
    if not late:
        return
    late.sort(reverse=True)
    by_node = Counter(index for _, *pair in late for index in pair)
    one = next((index for index, count in by_node.items() if 1 < count == links[index] and count == len(late)), None)
    some = f"{len(late)} of {links.total() // 2} links are late to renew their session"
    who = f"nobody has renewed its session with {case.name(one)}" if one is not None else some
    yield this.found(
        f"{who}: the last handshakes are more than {round(LATE_S)} s old",
        evidence=limited(f"{case.pair_name((here, there))}: last handshake {duration(age)} ago" for age, here, there in late),
        cause="The node has just gone, or its line."
        if one is not None
        else "Handshakes get lost on the way: a line that is saturated or faulty.",
        advice="look again in two minutes: links go down 275 s after the last handshake",
    )
