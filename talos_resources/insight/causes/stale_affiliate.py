"""The entry of a node's former self."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.life import ENTRY_S
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import clock, duration, limited
from talos_resources.model.finding import Severity
from talos_resources.model.net import format_address


@cause(
    "stale-affiliate",
    "the entry of a node's former self holds its addresses until it expires",
    severity=Severity.WARNING,
    tier=Tier.CONFIGURATION,
    needs="Affiliates, and the statuses of both entries",
    predicts="two peers of one name or address, of which one has no link to anybody since the other came; the new one gets no allowed IPs",
    against="both are up: then two machines share a name or an address",
    guide=SPECS_GUIDE,
)
def stale_affiliate(case: Case) -> Iterator[Hypothesis]:
    """A machine that was installed anew has a new id and key; its old entry lives 30 minutes longer."""
    for old, new in case.once(former_selves).items():
        last = case.life.last_handshake(old)
        gone = f"{duration(case.ago_s(last[0]))} ago" if last is not None else "some time ago"
        left = (
            f", which is in about {duration(max(0.0, ENTRY_S - case.ago_s(last[0])))}"
            if last is not None and case.ago_s(last[0]) < ENTRY_S
            else ""
        )
        shared = sorted(set(case.nodes[old].addresses) & set(case.nodes[new].addresses), key=str)
        name = case.name(new).partition(" (")[0]
        yield Hypothesis(
            title=f"{name} was installed anew {gone}, and its former entry still holds its addresses",
            explains=links(case.pairs.of(old)),
            evidence=lambda old=old, new=new, last=last, shared=shared: limited(  # type: ignore[misc]  # bound now, called later
                [
                    f"former: node id {case.nodes[old].node_id[:12]}…, key {case.nodes[old].public_key[:8]}…, "
                    + (f"last handshake {clock(last[0], case.reference)}" if last is not None else "no handshake"),
                    f"present: node id {case.nodes[new].node_id[:12]}…, key {case.nodes[new].public_key[:8]}…, up",
                    *([f"both announce {', '.join(map(format_address, shared[:4]))}"] if shared else []),
                    *_without_addresses(case, new),
                ]
            ),
            why="An address goes to one peer only, and the former entry has it: traffic to the node goes to a peer that is gone.",
            advice=f"wait until the former entry expires{left}; nothing is to be deleted",
            steps=(f"talosctl -n {case.asked(new)} get affiliates", f"talosctl -n {case.asked(new)} get kubespanpeerspecs -o yaml"),
            after="one peer of this name, with the node's address among its allowedIPs",
            certainty=Certainty.CERTAIN,
            stands=True,
            severity=Severity.ERROR if list(_without_addresses(case, new)) else None,
        )


def _without_addresses(case: Case, new: int) -> Iterator[str]:
    own = set(case.nodes[new].addresses)
    losers = [
        observer
        for observer in case.life.fresh
        if observer != new
        and (spec := case.spec(observer, new)) is not None
        and own
        and not any(allowed is not None and allowed.address in own for allowed in spec.allowed_ips)
    ]
    if losers:
        yield f"its address is not among its allowed IPs on {case.names(losers)}"


def former_selves(case: Case) -> dict[int, int]:
    """Nodes that are gone → the node that took their name or address and is up."""
    found: dict[int, int] = {}
    by_sign: dict[str, list[int]] = {}
    for node in case.nodes:
        if not node.public_key:
            continue
        for sign in {node.name.partition(" (")[0], *map(format_address, node.addresses)}:
            by_sign.setdefault(sign, []).append(node.index)
    for several in by_sign.values():
        if len(several) != 2:
            continue
        found.update(
            {
                old: new
                for old, new in (several, several[::-1])
                if _is_gone(case, old) and not _is_gone(case, new) and _came_later(case, old, new)
            }
        )
    return found


def _is_gone(case: Case, index: int) -> bool:
    """Whether nobody has a link to a node, which does not speak for itself."""
    return index not in case.life.fresh and case.pairs.is_cut_off(index)


def _came_later(case: Case, old: int, new: int) -> bool:
    last = case.life.last_handshake(old)
    if new in case.life.fresh and last is None:
        return True  # the new one itself is all that was read
    made = min((case.made(observer, new) for observer in case.life.fresh if case.made(observer, new) > 0), default=None)
    return made is not None and (last is None or made > last[0])
