"""Bytes that did not arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, size
from talos_resources.kubespan.constants import TICK_S
from talos_resources.model.finding import Severity

LOST_BYTES = 4096
LOST_SHARE = 0.1
SAME_AGE_NS = 60 * S_NS
SESSION_NS = 180 * S_NS
RETRY_NS = 5 * S_NS
HANDSHAKE_BYTES = 148


@cause(
    "lost-bytes",
    "much of what one end sent did not reach the other",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="peer statuses of both ends, counted from the same moment",
    predicts="one end sent more than an interruption explains, and the other did not get it",
    against="counters that begin at different times, or reports of different moments",
    guide=STATUSES_GUIDE,
)
def lost_bytes(case: Case) -> Iterator[Hypothesis]:
    """A warning where more got lost than an interruption explains, else a note."""
    every = case.once(losses)
    for severity, why in (
        (Severity.WARNING, "Packets get lost on the way, more than an interruption of the link explains."),
        (Severity.NOTE, "The links were interrupted for a while, or packets get lost: the counters run since a link was made."),
    ):
        found = [loss for loss in every if loss.is_steady is (severity is Severity.WARNING)]
        if not found:
            continue
        sent, lost = sum(loss.sent for loss in found), sum(loss.lost for loss in found)
        links = "a link that is" if len(found) == 1 else f"{len(found)} links that are"
        yield Hypothesis(
            title=f"{round(100 * lost / sent)} % of the bytes on {links} up got lost",
            evidence=lambda found=found: limited(  # type: ignore[misc]  # bound now, called later
                f"{case.name(loss.sender)} → {case.name(loss.receiver)}: {size(loss.lost)} of {size(loss.sent)} sent did not arrive"
                for loss in found
            ),
            why=why,
            advice="look twice (`mesh -w -o wide`): if what arrives stays below what is sent, look for a saturated or faulty line",
            steps=(f"talosctl -n {case.asked(found[0].sender)} get ethernetstatus,linkstatus -o yaml",),
            after="what arrives keeps pace with what is sent",
            certainty=Certainty.LIKELY,
            decide="two looks a minute apart: whether the difference grows",
            stands=True,
            severity=severity,
        )


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
    return sorted(_losses(case), key=lambda loss: (-loss.share, loss[1:]))


def _losses(case: Case) -> Iterator[Loss]:
    keys = [node.public_key for node in case.nodes]
    skewed = case.clocks.skewed
    told = Counter(view.public_key for view in case.snapshot.views if view.public_key)
    shared = {key for key, count in (*Counter(keys).items(), *told.items()) if count > 1}  # one counter for several machines
    silent = {index for index, key in enumerate(keys) if key in shared or index in skewed}
    for (here, there), mine, theirs in case.up_links():
        if here in silent or there in silent:
            continue
        for sender, receiver, sent, received in (
            (here, there, mine.transmit_bytes, theirs.receive_bytes),
            (there, here, theirs.transmit_bytes, mine.receive_bytes),
        ):
            lost = sent - received
            if lost <= LOST_BYTES or lost <= LOST_SHARE * sent:
                continue
            begun = case.made(here, there), case.made(there, here)
            seen = case.views[sender].as_of, case.views[receiver].as_of
            # Counters that began at different times tell nothing; those of different moments differ by what was sent between.
            between = abs(seen[0] - seen[1]) + TICK_S * S_NS
            age = max(seen[0] - begun[0], between)
            if abs(begun[0] - begun[1]) < SAME_AGE_NS and lost > 3 * sent * between / age:
                # Into a link that is interrupted goes what is sent until its session ends, then one handshake every 5 s.
                interrupted = sent * SESSION_NS / age + HANDSHAKE_BYTES * age / RETRY_NS
                yield Loss(lost / sent, sender, receiver, sent, lost, lost > interrupted)
