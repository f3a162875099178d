"""One explanation of all symptoms: the fewest causes, configuration before network, common ends before pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.log_lines import told_by_logs
from talos_resources.insight.hypothesis import Cause, Certainty, Hypothesis, Symptom, Tier, links, unheard
from talos_resources.insight.quorum import before_stopping
from talos_resources.insight.recorded_history import chronicle
from talos_resources.insight.words import limited, some
from talos_resources.model.finding import Finding, Severity

RIVALS = 4
"""So many other causes are named beside an unsure one."""
FALLBACK = "link-down"
"""What is said where nothing explains a link: it is no rival of an explanation."""


@attrs.frozen
class Proposal:
    """A hypothesis, and the cause that it is of."""

    cause: Cause
    hypothesis: Hypothesis
    order: int


@attrs.frozen
class Chosen:
    """A proposal that was taken, and what it explains that nothing before it does."""

    proposal: Proposal
    gain: frozenset[Symptom]


def explain(case: Case, causes: Sequence[Cause]) -> tuple[Finding, ...]:
    """The findings, the worst first; of equal severity root causes first, then those that explain most."""
    proposals = [
        Proposal(cause, hypothesis, order)
        for order, (cause, hypothesis) in enumerate((cause, hypothesis) for cause in causes for hypothesis in cause.propose(case))
    ]
    chosen = list(_chosen(proposals, symptoms(case)))
    findings = [_Ranked(_finding(case, each, proposals), _rank(each)) for each in chosen]
    direct = [_Ranked(finding, (99,)) for cause in causes if cause.direct is not None for finding in cause.direct(case)]
    return tuple(ranked.finding for ranked in sorted([*findings, *direct], key=lambda ranked: (ranked.finding.severity.rank, ranked.rank)))


def symptoms(case: Case) -> frozenset[Symptom]:
    """All that wants to be explained."""
    return links(case.pairs.faulty) | unheard(case.life.unheard)


@attrs.frozen
class _Ranked:
    finding: Finding
    rank: tuple[int, ...]


def _rank(chosen: Chosen) -> tuple[int, ...]:
    """Root causes before others; within a tier those that explain most."""
    return chosen.proposal.cause.tier, -len(chosen.gain), chosen.proposal.order


def _chosen(proposals: Sequence[Proposal], every: frozenset[Symptom]) -> Iterator[Chosen]:
    """Greedily, tier by tier: what explains most of what is left, and what is a fault by itself."""
    left = set(every)
    tiers = sorted({proposal.cause.tier for proposal in proposals})
    for tier in tiers:
        open_ = [proposal for proposal in proposals if proposal.cause.tier is tier and not proposal.hypothesis.is_rival]
        while open_:
            best = max(open_, key=lambda proposal: (len(proposal.hypothesis.explains & left), proposal.hypothesis.stands, -proposal.order))
            open_.remove(best)
            gain = best.hypothesis.explains & left
            if not gain and not best.hypothesis.stands:
                break
            left -= gain
            yield Chosen(best, frozenset(gain))


def _finding(case: Case, chosen: Chosen, proposals: Sequence[Proposal]) -> Finding:
    cause, hypothesis = chosen.proposal.cause, chosen.proposal.hypothesis
    rivals = [] if hypothesis.certainty is Certainty.CERTAIN else _rivals(chosen, proposals)
    names = tuple(dict.fromkeys(f"{rival.cause.name}: {rival.hypothesis.decide or rival.cause.predicts}" for rival in rivals))[:RIVALS]
    nodes = sorted({index for symptom in chosen.gain for index in symptom.nodes})
    named = sorted(_named(case, hypothesis.title))
    return Finding(
        severity=hypothesis.severity or cause.severity,
        rule=cause.name,
        title=hypothesis.title,
        evidence=(
            *limited([*hypothesis.evidence(), *_breadth(chosen)]),
            *told_by_logs(case, cause.name, sorted({*nodes, *named})),
            *(_kubernetes(case, named) if cause.tier <= Tier.PAIR else ()),
            *chronicle(case, [_pair(symptom) for symptom in chosen.gain if symptom.what == "link"], nodes),
        ),
        cause=hypothesis.why,
        advice=hypothesis.advice,
        guide=cause.guide,
        certainty=hypothesis.certainty.value,
        decide=hypothesis.decide,
        rivals=names,
        steps=(*before_stopping(case, hypothesis.stops), *hypothesis.steps),
        after=hypothesis.after,
        nodes=tuple(map(case.name, nodes)),
    )


def _named(case: Case, title: str) -> Iterator[int]:
    """The nodes that a title speaks of."""
    words = {word.strip(",:;()") for word in title.split()}
    yield from (node.index for node in case.nodes if node.name in words)


def _kubernetes(case: Case, nodes: Iterable[int]) -> Iterator[str]:
    """What Kubernetes says of some nodes, where it is not all well."""
    for index in nodes:
        view = case.views.get(index)
        if view is not None and (view.is_ready is False or view.is_cordoned):
            what = [*(["not ready"] if view.is_ready is False else []), *(["cordoned: somebody works on it"] if view.is_cordoned else [])]
            yield f"Kubernetes calls {case.name(index)} {' and '.join(what)}"


def _pair(symptom: Symptom) -> Pair:
    here, there = symptom.nodes
    return here, there


def _breadth(chosen: Chosen) -> Iterator[str]:
    """How much a cause explains, where that is not plain from its title."""
    count = sum(symptom.what == "link" for symptom in chosen.gain)
    if chosen.proposal.cause.tier <= 1 and count:
        yield f"{some(count, 'link')} that {'is' if count == 1 else 'are'} not up {'follows' if count == 1 else 'follow'} from this"


def _rivals(chosen: Chosen, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Other causes that would explain the same, or most of it: of nodes that hear of nobody all, as it explains their links too."""
    deaf = {symptom for symptom in chosen.gain if symptom.what == "unheard"}
    return [
        proposal
        for proposal in proposals
        if proposal.cause is not chosen.proposal.cause
        and chosen.gain
        and 2 * len(proposal.hypothesis.explains & chosen.gain) > len(chosen.gain)
        and deaf <= proposal.hypothesis.explains
        and proposal.hypothesis.severity is not Severity.NOTE
        and (proposal.cause.tier < Tier.PAIR or (chosen.proposal.cause.tier is Tier.PAIR and proposal.cause.name != FALLBACK))
    ]
