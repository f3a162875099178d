"""What a cause is: a declared hypothesis that explains symptoms.

A cause is one file in `talos_resources.insight.causes`: what it needs, what it predicts, what speaks against it,
and a function that proposes it for the nodes that it fits. `talos_resources.insight.explain` chooses among all
that is proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, IntEnum
from typing import Final

import attrs

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.model.finding import Finding, Severity


class Tier(IntEnum):
    """What explains what: the causes of one tier are asked before those of the next, and leave them the rest."""

    CONFIGURATION = 0
    """Settings and identity: whatever else is seen of such a node follows from them."""
    DISCOVERY = 1
    """Who is told of whom."""
    NODE = 2
    """A node is gone, or runs without what it needs."""
    REACH = 3
    """What is announced and what NAT lets through: it must fail, whatever the network does."""
    COMMON = 4
    """One common end or place of many links."""
    PAIR = 5
    """A single link."""
    STATE = 6
    """No fault of a link: sizes, settings and what the counters tell."""


class Certainty(Enum):
    """How sure a finding is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Certainty).index(self)


@attrs.frozen
class Symptom:
    """Something that is not as it should be and wants an explanation.

    Attributes:
        what: `link`, `unheard`, `no-status`.
        nodes: whom it concerns.
    """

    what: str
    nodes: tuple[int, ...]


def links(pairs: Iterable[Pair]) -> frozenset[Symptom]:
    """The symptoms of links with a fault."""
    return frozenset(Symptom("link", pair) for pair in pairs)


def unheard(nodes: Iterable[int]) -> frozenset[Symptom]:
    """The symptoms of nodes that know nobody."""
    return frozenset(Symptom("unheard", (index,)) for index in nodes)


@attrs.frozen(kw_only=True)
class Hypothesis:
    """A cause as it fits some nodes.

    Attributes:
        title: what is wrong with what, in one line; the verb of it agrees with the number of nodes.
        explains: the symptoms that follow from it.
        evidence: what shows it; called only if the hypothesis is chosen.
        why: why it is a problem.
        advice: what to do first, in a few words.
        steps: commands to type, in order.
        after: what to see afterwards.
        certainty: how sure it is.
        decide: the one observation that tells it from its rivals.
        stands: it is a fault by itself, whether or not it explains anything.
        is_rival: nothing speaks for it but that the data do not exclude it: it is named beside what explains the same, and never alone.
        stops: nodes that the advice takes down for a while, so that the quorum comes first.
        severity: instead of the cause's own.
    """

    title: str
    explains: frozenset[Symptom] = frozenset()
    evidence: Callable[[], Iterable[str]] = tuple
    why: str
    advice: str
    steps: tuple[str, ...] = ()
    after: str = ""
    certainty: Certainty = Certainty.LIKELY
    decide: str = ""
    stands: bool = False
    is_rival: bool = False
    stops: tuple[int, ...] = ()
    severity: Severity | None = None


Propose = Callable[[Case], Iterator[Hypothesis]]


@attrs.frozen(kw_only=True)
class Cause:
    """One thing that can be wrong.

    Attributes:
        name: short and stable.
        about: what is wrong, in one line.
        severity: how bad it is at most.
        tier: before which others it is asked.
        needs: the data without which it claims nothing.
        predicts: what is seen if it is so.
        against: what speaks against it.
        guide: the section of the Talos guide, empty if it has none.
        propose: gives a hypothesis for each set of nodes that it fits.
        direct: gives ready findings instead, for rules that other parts of the library own.
    """

    name: str
    about: str
    severity: Severity
    tier: Tier
    needs: str
    predicts: str
    against: str = ""
    guide: str = ""
    propose: Propose = attrs.field(repr=False)
    direct: Callable[[Case], Iterator[Finding]] | None = attrs.field(default=None, repr=False)


Declare = Callable[[Propose], Cause]


def cause(
    name: str, about: str, *, tier: Tier, needs: str, predicts: str, against: str = "", severity: Severity = Severity.ERROR, guide: str = ""
) -> Declare:
    """Makes a function a cause; its file is named in `talos_resources.insight.causes.ORDER`."""

    def declare(propose: Propose) -> Cause:
        return Cause(
            name=name,
            about=about,
            severity=severity,
            tier=tier,
            needs=needs,
            predicts=predicts,
            against=against,
            guide=guide,
            propose=propose,
        )

    return declare


CONFIGURATION_GUIDE: Final = "KubeSpan, Configuration"
ENABLING_GUIDE: Final = "KubeSpan, Enabling"
SPECS_GUIDE: Final = "KubeSpan, KubeSpanPeerSpecs"
STATUSES_GUIDE: Final = "KubeSpan, KubeSpanPeerStatuses"
IDENTITIES_GUIDE: Final = "KubeSpan, KubeSpanIdentities"
OBSERVED_GUIDE: Final = "KubeSpan, KubeSpanEndpoints"
