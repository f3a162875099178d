"""What could not be looked at, by name."""

from __future__ import annotations

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.snapshot import REDACTED_REASON
from talos_resources.insight.words import some


def not_known(case: Case) -> list[str]:
    """A line for each thing that the data do not tell."""
    lines = []
    if not any(view.statuses or view.specs for view in case.views.values()):
        lines.append("there are no KubeSpan peers here: KubeSpan is off, or the source has no KubeSpanPeerStatuses")
    unseen = [node.index for node in case.nodes if node.index not in case.views]
    if unseen and case.views:
        lines.append(
            f"{len(case.views)} of {some(len(case.nodes), 'node')} were looked at: one-way links, clocks and what {case.names(unseen)} "
            f"{'knows' if len(unseen) == 1 else 'know'} cannot be judged (name them all with -n)"
        )
    denied: dict[tuple[str, str], list[int]] = {}
    for index, view in case.views.items():
        for name, reason in view.unreadable.items():
            why = "is redacted" if reason == REDACTED_REASON else "could not be read"
            denied.setdefault((name, why), []).append(index)
    lines += [f"{name} {why} on {case.names(indexes)}; what depends on it was not checked" for (name, why), indexes in denied.items()]
    hidden = {name for view in case.views.values() for name in view.hidden}
    if hidden:
        types = ", ".join(sorted({name.partition(".")[0] for name in hidden}))
        lines.append(
            f"addresses are hidden in {some(len(hidden), 'resource')} ({types}): where nodes are and what they try was not checked"
        )
    return [*lines, *_lacking(case)]


def _lacking(case: Case) -> list[str]:
    views = case.views.values()
    links = "no LinkStatuses" if all(view.devices is None for view in views) else "no link is known to hold a node's own address"
    lacking = {
        "the packet filter fits the peers (no NfTablesChains)": any(view.chains for view in views),
        f"the MTU fits the network below ({links})": any(view.links for view in views),
    }
    told = [what for what, is_there in lacking.items() if not is_there]
    return [f"whether {' and whether '.join(told)}"] if told and case.views else []
