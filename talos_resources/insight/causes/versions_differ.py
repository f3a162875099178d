"""Releases further apart than an upgrade explains."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, verb
from talos_resources.model.finding import Severity


@cause(
    "versions-differ",
    "Talos versions further apart than an upgrade explains (more than one minor)",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="Affiliates or Members, which say the operating system; or a bundle's summary",
    predicts="some nodes run another minor release",
    against="an upgrade that is under way: then they are one minor release apart at most",
)
def versions_differ(case: Case) -> Iterator[Hypothesis]:
    """Talos is upgraded one minor release at a time."""
    releases = {
        node.index: release
        for node in case.nodes
        if (release := case.release(node.index)) is not None and "-" not in case.version(node.index)  # a pre-release is tried on purpose
    }
    if not releases:
        return
    newest, oldest = max(releases.values()), min(releases.values())
    if newest[0] == oldest[0] and newest[1] - oldest[1] <= 1:
        return
    counts: dict[tuple[int, int], list[int]] = {}
    for index, release in releases.items():
        counts.setdefault(release, []).append(index)
    usual = max(counts, key=lambda release: (len(counts[release]), release))
    odd = sorted(index for index, release in releases.items() if abs(release[1] - usual[1]) > 1 or release[0] != usual[0]) or counts[oldest]
    by_version: dict[str, list[int]] = {}
    for index in releases:
        by_version.setdefault(case.version(index), []).append(index)
    yield Hypothesis(
        title=f"{case.names(odd)} {verb(len(odd), 'runs', 'run')} Talos {case.version(odd[0])}, most others "
        f"{case.version(counts[usual][0])}",
        evidence=lambda: limited(f"{version}: {case.names(indexes)}" for version, indexes in sorted(by_version.items())),
        why="More than one minor release apart is no upgrade under way; releases differ in what they announce and how they filter.",
        advice=f"upgrade {case.names(odd)}, one minor release after the other",
        steps=(
            f"talosctl -n {case.asked(odd[0])} version",
            f"talosctl -n {case.asked(odd[0])} upgrade --image …   # one minor at a time; control planes one by one",
        ),
        after="`talosctl get members` shows one release, or two neighbours",
        certainty=Certainty.CERTAIN,
        stands=True,
    )
