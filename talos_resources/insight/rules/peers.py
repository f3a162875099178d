"""What discovery, WireGuard and the packet filter of one node must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from talos_resources.insight.case import S_NS, SETTLING_S, Case, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.kubespan.prefixes import prefix_range
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.net import IPPrefix
from talos_resources.resources import PeerState

SPECS = "KubeSpan, KubeSpanPeerSpecs"


@rule("spec-without-status", "a peer is known but WireGuard does not have it", severity=Severity.ERROR, guide=SPECS)
def spec_without_status(case: Case, this: Rule) -> Iterator[Finding]:
    """The manager makes a status for each spec at once."""
    for index, view in case.fresh.items():
        statuses = {status.id for status in view.statuses}
        lacking = [spec for spec in view.specs if spec.id not in statuses and (case.reference - spec.metadata.created) / S_NS > SETTLING_S]
        if lacking:
            yield this.found(
                f"{case.name(index)} has {len(lacking)} peer specs without a status",
                evidence=limited(f"{spec.spec.label} ({spec.id})" for spec in lacking),
                cause="KubeSpan's manager has not taken them up: it fails or waits for its identity.",
                advice=f"look for kubespan.ManagerController in `talosctl -n {view.node} dmesg`",
            )


@rule("status-without-spec", "WireGuard has a peer that discovery does not know", severity=Severity.WARNING, guide=SPECS)
def status_without_spec(case: Case, this: Rule) -> Iterator[Finding]:
    """The manager destroys statuses without a spec at once."""
    for index, view in case.fresh.items():
        if not view.specs and not view.affiliates:
            continue  # specs are not part of what was read
        specs = {spec.id for spec in view.specs}
        left = [status for status in view.statuses if status.id not in specs]
        if left:
            yield this.found(
                f"{case.name(index)} still has {len(left)} peers that discovery does not know any more",
                evidence=limited(f"{status.spec.label} ({status.id}), {status.spec.state}" for status in left),
                cause="KubeSpan's manager drops such peers at once; it hangs, or this was read while it changed.",
                advice=f"look again; if they stay, look for kubespan.ManagerController in `talosctl -n {view.node} dmesg`",
            )


@rule("chain-mismatch", "WireGuard's peers and the packet filter's sets disagree", severity=Severity.ERROR, guide="KubeSpan")
def chain_mismatch(case: Case, this: Rule) -> Iterator[Finding]:
    """The chains must send exactly the allowed IPs of the peers into the mesh."""
    sums: dict[int, tuple[int, int]] = {}
    for index, view in case.fresh.items():
        if not view.chains or view.config is None:
            continue
        up = None if view.config.force_routing else {status.id for status in view.statuses if status.spec.state is PeerState.UP}
        wanted = [spec.spec.allowed_ips for spec in view.specs if up is None or spec.id in up]
        expected = _total(_sum(allowed, sums) for allowed in wanted)
        wrong = [name for name, prefixes in view.chains.items() if _sum(prefixes, sums) != expected]
        if wrong:
            prefixes = [prefix for allowed in wanted for prefix in allowed if prefix is not None and prefix.length is not None]
            yield this.found(
                f"{case.name(index)}: the packet filter does not send to all peers what WireGuard would take",
                evidence=limited(line for name in wrong for line in _difference(name, view.chains[name], prefixes)),
                cause="What the set lacks leaves unencrypted by the normal route; what it has too much is dropped in the tunnel.",
                advice=f"look for kubespan.ManagerController in `talosctl -n {view.node} dmesg`; a reboot writes the chains anew",
            )


def _sum(prefixes: tuple[IPPrefix | None, ...], sums: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many addresses, and their sum: the same for the same addresses, however they are cut into prefixes."""
    if len(prefixes) > 16:
        return _total(_one(prefix) for prefix in prefixes)
    known = sums.get(id(prefixes))  # the snapshot keeps them alive
    if known is None:
        known = sums[id(prefixes)] = _total(_one(prefix) for prefix in prefixes)
    return known


def _one(prefix: IPPrefix | None) -> tuple[int, int]:
    if prefix is None or prefix.length is None:
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
