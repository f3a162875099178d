"""What WireGuard takes and what the packet filter sends to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.places import SIDEROLINK
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, verb
from talos_resources.kubespan.prefixes import prefix_range
from talos_resources.kubespan.ula import is_ula
from talos_resources.model.finding import Severity
from talos_resources.model.net import IPPrefix
from talos_resources.releases import release_of
from talos_resources.resources import PeerState

Allowed = tuple[IPPrefix | None, ...]
Sums = dict[bool, dict[int, tuple[int, int]]]
"""What is left out → identity of a peer's allowed IPs → how many addresses these are, and their sum."""


@cause(
    "chain-mismatch",
    "WireGuard's peers and the packet filter's sets disagree",
    tier=Tier.STATE,
    needs="NfTablesChains, peer specs and KubeSpanConfigs of one node",
    predicts="what a set lacks leaves unencrypted, what it has too much is dropped in the tunnel",
    against="only addresses of the mesh are missing, from Talos 1.13 on",
    guide="KubeSpan",
)
def chain_mismatch(case: Case) -> Iterator[Hypothesis]:
    """The chains must send exactly the allowed IPs of the peers into the mesh."""
    sums: Sums = {}
    having = sum(bool(view.chains) for view in case.life.fresh.values())
    for index, view in case.life.fresh.items():
        if view.chains and view.specs and not case.is_unread(index, "NfTablesChains", "KubeSpanPeerSpecs"):
            yield from _compared(case, index, sums)
    missing = [index for index in case.life.fresh if having > 1 and _has_none(case, index)]
    if missing:
        yield _flushed(case, missing, having)


def _compared(case: Case, index: int, sums: Sums) -> Iterator[Hypothesis]:
    """What the chains of a node send into the mesh, against what its peers take."""
    view = case.life.fresh[index]
    bypass = view.config is not None and not view.config.force_routing
    up = {key for key, status in view.status_of.items() if status.spec.state is PeerState.UP} if bypass else None
    if view.config is None and any(status.spec.state is not PeerState.UP for status in view.statuses):
        return  # whether peers that are down belong in it is not known
    if (bypass or view.config is None) and not view.statuses:
        return  # nor who is up
    wanted = [spec.spec.allowed_ips for key, spec in view.spec_of.items() if up is None or key in up]
    version = case.version(index)
    without = not (version and release_of(version).kubespan.filter_has_kubespan_addresses)  # of an unknown release it is not judged
    expected = _expected(wanted, sums.setdefault(without, {}), without)
    wrong = [name for name, prefixes in view.chains.items() if _total(_one(prefix, without) for prefix in prefixes) != expected]
    if wrong:
        every = (prefix for allowed in wanted for prefix in allowed if prefix is not None and prefix.length is not None)
        yield _finding(case, index, wrong, [prefix for prefix in every if not _is_left_out(prefix, without)], without)


def _flushed(case: Case, missing: list[int], having: int) -> Hypothesis:
    return Hypothesis(
        title=f"{case.names(missing)} {verb(len(missing), 'has', 'have')} no packet-filter chains of KubeSpan: "
        "nothing is sent into the mesh",
        evidence=lambda: (f"NfTablesChains have no kubespan chains there, but on {having} other nodes",),
        why="The chains mark what is for peers; without them everything leaves by the normal route, unencrypted.",
        advice=f"find out what flushed the packet filter on {case.names(missing)}; switching KubeSpan off and on, or a "
        f"reboot, writes it anew",
        steps=(
            f"talosctl -n {case.asked(missing[0])} get nftableschain",
            f"talosctl -n {case.asked(missing[0])} logs controller-runtime | grep -i nftables",
        ),
        after="`talosctl get nftableschain` shows kubespan_outgoing and kubespan_prerouting",
        certainty=Certainty.LIKELY,
        decide="whether NfTablesChains were read on that node at all",
        stands=True,
        stops=tuple(missing),
        severity=Severity.WARNING,
    )


def _finding(case: Case, index: int, wrong: list[str], want: list[IPPrefix], without: bool) -> Hypothesis:
    view = case.life.fresh[index]
    return Hypothesis(
        title=f"{case.name(index)}: the packet filter does not send to all peers what WireGuard would take",
        evidence=lambda: limited(line for name in wrong for line in _difference(name, _in_force(view.chains[name], without), want)),
        why="What the set lacks leaves unencrypted by the normal route; what it has too much is dropped in the tunnel.",
        advice="look for kubespan.ManagerController in the log; a reboot writes the chains anew",
        steps=(
            f"talosctl -n {case.asked(index)} logs controller-runtime | grep kubespan",
            f"talosctl -n {case.asked(index)} get nftableschain -o yaml",
        ),
        after="the sets hold the allowedIPs of all peers",
        certainty=Certainty.CERTAIN,
        stands=True,
        stops=(index,),
    )


def _has_none(case: Case, index: int) -> bool:
    view = case.life.fresh[index]
    return (
        not view.chains
        and index in case.affiliate_of  # else nothing tells what it runs
        and not case.version(index)  # Talos's are what shall be, and never vanish; the agent's are what the kernel has
        and view.is_whole
        and view.config is not None
        and view.config.enabled
        and bool(view.statuses)
        and view.devices is not None
        and not any("NfTablesChains" in name for name in view.unreadable)
    )


def _is_left_out(prefix: IPPrefix, without: bool) -> bool:
    """Whether the sets of the node's release are without a network: from Talos 1.13 on what lies at a KubeSpan address of any cluster."""
    return without and is_ula(prefix.address)


def _in_force(chain: Iterable[IPPrefix], without: bool) -> list[IPPrefix]:
    return [prefix for prefix in chain if prefix.length is not None and not _is_left_out(prefix, without)]


def _expected(wanted: list[Allowed], known: dict[int, tuple[int, int]], without: bool) -> tuple[int, int]:
    """How many addresses, and their sum: the same for the same addresses, however they are cut into prefixes."""
    for allowed in wanted:
        if id(allowed) not in known:  # nodes share what they know of a peer, and the snapshot keeps it alive
            known[id(allowed)] = _total(_one(prefix, without) for prefix in allowed)
    return _total(map(known.__getitem__, map(id, wanted)))


def _one(prefix: IPPrefix | None, without: bool) -> tuple[int, int]:
    if prefix is None or prefix.length is None or _is_left_out(prefix, without) or prefix.address in SIDEROLINK:
        return 0, 0
    first, last = prefix_range(prefix)
    size = last - first + 1
    return size, (first + last) * size // 2


def _total(parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    count = total = 0
    for size, number in parts:
        count += size
        total += number
    return count, total


def _difference(name: str, have: Iterable[IPPrefix], want: list[IPPrefix]) -> Iterator[str]:
    """What is missing in a set, and what is too much, as far as whole prefixes tell."""
    from netaddr import IPSet

    mine, theirs = IPSet(map(str, (prefix.network for prefix in have))), IPSet(map(str, (prefix.network for prefix in want)))
    for text, networks in (("lacks", theirs - mine), ("has too much:", mine - theirs)):
        listed = [str(network) for network in networks.iter_cidrs()]
        if listed:
            yield f"{name} {text} {', '.join(listed[:4])}{f' and {len(listed) - 4} more' if len(listed) > 4 else ''}"
