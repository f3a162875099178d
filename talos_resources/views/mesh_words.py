"""What pictures of a mesh say: the names of rows, what a cell or a line tells when it is pointed at, the marks of states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from talos_resources.insight.mesh import Link, LinkState, Mesh, is_asymmetric
from talos_resources.insight.outline import Outline, Tally
from talos_resources.insight.words import size
from talos_resources.model.printable import printable
from talos_resources.views.age import age

MARKS: Final = {LinkState.DOWN: "\u00d7", LinkState.UNKNOWN: "?", LinkState.ABSENT: "\u2013"}
"""What tells a state without its colour."""
LEGEND: Final = {
    LinkState.UP: "up",
    LinkState.DOWN: "down",
    LinkState.UNKNOWN: "unknown: not settled yet",
    LinkState.ABSENT: "absent: does not know the other",
    LinkState.UNSEEN: "not asked",
}


def short_names(mesh: Mesh) -> list[str]:
    """The names without the beginning and the end that all share, each cut at a dash or a dot."""
    names = [printable(node.name) for node in mesh.nodes]
    before = common(names)
    after = common([name[::-1] for name in names])
    return [name[before : len(name) - after] if before + after < len(name) else name for name in names]


def common(names: Sequence[str]) -> int:
    """The length of the beginning that all names share, up to a dash or a dot."""
    first, last = min(names, default=""), max(names, default="")
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    prefix = first[:same]
    return 1 + max(prefix.rfind("-"), prefix.rfind(".")) if len(names) > 1 else 0


def entry_names(drawn: Outline) -> list[str]:
    """The name of each row: of the node, or of what its nodes have in common and how many they are."""
    names = short_names(drawn.mesh)
    groups = [(entry.site, entry.faults > 0) for entry in drawn.entries if entry.is_group]
    alone = not any(not entry.is_group for entry in drawn.entries)
    found = []
    for entry in drawn.entries:
        if not entry.is_group:
            found.append(names[entry.nodes[0]])
        elif sum(site == entry.site for site, _ in groups) > 1:
            found.append(f"{names[entry.nodes[0]]} and {len(entry.nodes) - 1} more")
        elif entry.site:
            found.append(f"{entry.site}: {len(entry.nodes)} nodes")
        else:
            found.append(f"{len(entry.nodes)} {'nodes' if alone else 'others'}")
    return found


def told(drawn: Outline, names: Sequence[str], here: int, there: int) -> str:
    """What the cell of two rows, named by `entry_names`, says to who points at it; empty on the diagonal of a node."""
    one, other = drawn.entries[here], drawn.entries[there]
    if not one.is_group and not other.is_group:
        return "" if one is other else link_told(drawn.mesh.link(one.nodes[0], other.nodes[0]))
    tally = drawn.tallies[here][there]
    return f"{names[here]} → {names[there]}: {tally_told(tally)}"


def tally_told(tally: Tally) -> str:
    """`3 of 160 not up (3 down)`."""
    if not tally.total:
        return "nobody was asked"
    if not tally.faults:
        return f"all {tally.total} up"
    parts = ", ".join(f"{count} {state.value}" for state, count in sorted(tally.counts.items()) if state.is_fault)
    return f"{tally.faults} of {tally.total} not up ({parts})"


def link_told(link: Link) -> str:
    """`worker-1 → worker-2: down, last handshake 38 m ago, endpoint 192.168.7.9:51820, 1.2 MB received, 3.4 MB sent`."""
    one_way = ", one way only" if is_asymmetric(link.state, link.reverse) else ""
    word = LEGEND.get(link.state, link.state.value).partition(":")[0]
    parts = [f"{printable(link.observer.name)} → {printable(link.peer.name)}: {word}{one_way}"]
    if link.status is not None:
        parts.append("no handshake ever" if link.handshake is None else f"last handshake {age(link.handshake_age_s)} ago")
        parts.append("no endpoint" if link.endpoint is None else f"endpoint {link.endpoint}")
        parts.append(f"{size(link.status.receive_bytes)} received, {size(link.status.transmit_bytes)} sent")
    return ", ".join(parts)


def both_told(drawn: Outline, names: Sequence[str], here: int, there: int) -> str:
    """The two directions between two rows, on a line each."""
    return "\n".join(filter(None, (told(drawn, names, here, there), told(drawn, names, there, here) if here != there else "")))


def pair_state(drawn: Outline, here: int, there: int) -> tuple[LinkState, str]:
    """The worse of the two directions, and in words what is wrong: `down`, `unknown one way`, `all 66 down`, `3 of 66 not up`."""
    ways = (drawn.tallies[here][there], drawn.tallies[there][here])[: 1 + (here != there)]
    worse = max(ways, key=lambda tally: (tally.faults, tally.state is LinkState.DOWN))
    if drawn.entries[here].is_group or drawn.entries[there].is_group:
        total, faults = sum(tally.total for tally in ways), sum(tally.faults for tally in ways)
        alike = sum(tally.counts.get(worse.state, 0) for tally in ways) == total
        return worse.state, f"all {total} {worse.state.value}" if alike else f"{faults} of {total} not up"
    states = list(dict.fromkeys(tally.state.value for tally in ways if tally.faults))
    one_way = " one way" if any(tally.state is LinkState.UP for tally in ways) else ""
    return worse.state, f"{', back '.join(states)}{one_way}"
