"""The packet chains: as `nft` takes them, and as it tells what the kernel has.

Source: nft(8), libnftables-json(5). The segment sizes are Talos v1.14's: room for the headers of IP and TCP
and for TCP's timestamps.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.agent.tools import run
from talos_resources.kubespan.constants import MARK_INTO_MESH, MARK_MASK
from talos_resources.kubespan.network import Chain, ChainRule, MarkMatch, SetMark
from talos_resources.model.net import IPPrefix

TABLE: Final = "talos_kubespan"
"""Our table of nftables, of the family inet."""
GUARD: Final = "kubespan_guard"
"""The agent's own chain, which Talos does not have and so does not show."""
_NEIGHBOURS: Final = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, nd-redirect } accept"
"""Neighbour Discovery stays on its link: answers to a peer on the same link would go into the tunnel, which lives on them."""
_HEADERS: Final = {4: 52, 6: 72}
"""Bytes of IP and TCP headers with TCP's timestamps, by IP version."""
_PROTOCOLS: Final = {"ip": 4, "ip6": 6}
_NO_TABLE: Final = "No such file or directory"


@attrs.frozen
class Listing:
    """What the kernel has in the table.

    Attributes:
        fingerprint: equal if and only if nobody has touched the chains in between.
        chains: as far as they can be read, without the guard; a rule that cannot has neither conditions nor actions.
    """

    fingerprint: str
    chains: tuple[Chain, ...]


def apply_chains(chains: Sequence[Chain], link: str) -> None:
    """Puts the chains in place of those that are there, all at once, and behind them one that guards the link.

    Raises:
        OSError: `nft` is not there, hangs or refuses.
    """
    run("nft", "-f", "-", text=ruleset(chains, link))


def remove_chains() -> None:
    """Takes the table away; that there is none is no error. Raises as `apply_chains`."""
    run("nft", "-f", "-", text=f"table inet {TABLE}\ndelete table inet {TABLE}\n")


def read_chains() -> Listing:
    """What the kernel has; raises OSError as `apply_chains`, also for an answer that is none."""
    try:
        printed = run("nft", "-j", "list", "table", "inet", TABLE)
    except OSError as error:
        if _NO_TABLE in str(error):
            return Listing("", ())
        raise
    try:
        return listing(json.loads(printed)["nftables"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OSError(f"`nft -j list table inet {TABLE}` printed what cannot be understood: {error!r}") from None


def ruleset(chains: Sequence[Chain], link: str) -> str:
    """The chains for `nft -f`, in place of those that are there, all at once.

    Neighbour Discovery of IPv6 is let out before all rules.

    The last chain is the agent's own: what is meant for the mesh leaves by its link or not at all, whatever
    becomes of rules and routes.
    """
    lines = [f"table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    for chain in chains:
        lines += [f"  chain {chain.name} {{", f"    type {chain.type} hook {chain.hook} priority filter; policy accept;"]
        lines += [f"    {_NEIGHBOURS}"] if chain.type == "route" else []
        lines += [f"    {line}" for rule in chain.rules for line in _rule_lines(rule)]
        lines += ["  }"]
    lines += [f"  chain {GUARD} {{", "    type filter hook postrouting priority filter; policy accept;"]
    lines += [f'    meta mark & {MARK_MASK:#010x} == {MARK_INTO_MESH:#010x} oifname != {{ "{link}", "lo" }} drop', "  }", "}"]
    return "\n".join(lines) + "\n"


def _rule_lines(rule: ChainRule) -> Iterator[str]:
    """A rule; one for each IP version where destinations matter."""
    conditions = []
    if rule.mark is not None:
        conditions.append(f"meta mark & {rule.mark.mask:#010x} == {rule.mark.value:#010x}")
    if rule.out_interface is not None:
        conditions.append(f'oifname "{rule.out_interface}"')
    if rule.destinations is None:
        yield " ".join([*conditions, *_actions(rule, 4)])
        return
    for protocol, version in _PROTOCOLS.items():
        networks = [str(network) for network in rule.destinations if network.address.version == version]
        if networks:
            yield " ".join([*conditions, f"{protocol} daddr {{ {', '.join(networks)} }}", *_actions(rule, version)])


def _actions(rule: ChainRule, version: int) -> Iterator[str]:
    if rule.clamp_mss_to_mtu is not None:
        size = max(rule.clamp_mss_to_mtu - _HEADERS[version], 0)
        yield f"tcp flags & (syn | rst) == syn tcp option maxseg size > {size} tcp option maxseg size set {size}"
    if rule.set_mark is not None:
        yield f"meta mark set meta mark & {rule.set_mark.mask:#010x} ^ {rule.set_mark.xor:#010x}"
    if rule.accept:
        yield "accept"


def listing(objects: Iterable[Mapping[str, Any]]) -> Listing:
    """What `nft -j list table` printed under `nftables`.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    chains: dict[str, Mapping[str, Any]] = {}
    rules: dict[str, list[Any]] = {}
    for entry in objects:
        if "chain" in entry:
            chains[entry["chain"]["name"]] = entry["chain"]
        elif "rule" in entry:
            rules.setdefault(entry["rule"]["chain"], []).append(entry["rule"]["expr"])
    found = [
        Chain(name=name, type=chain.get("type", ""), hook=chain.get("hook", ""), rules=_merged(map(_rule, _of_talos(rules.get(name, ())))))
        for name, chain in chains.items()
        if name != GUARD
    ]
    looks = [[name, *(chain.get(key) for key in ("type", "hook", "prio", "policy")), rules.get(name, [])] for name, chain in chains.items()]
    return Listing(json.dumps(looks), tuple(found))


def _merged(rules: Iterable[ChainRule]) -> tuple[ChainRule, ...]:
    """The rules of both IP versions that were one."""
    merged: list[ChainRule] = []
    for rule in rules:
        last = merged[-1] if merged else None
        if last is not None and last.destinations and rule.destinations and attrs.evolve(last, destinations=rule.destinations) == rule:
            merged[-1] = attrs.evolve(rule, destinations=(*last.destinations, *rule.destinations))
        else:
            merged.append(rule)
    return tuple(merged)


def _of_talos(rules: Iterable[Any]) -> Iterator[Any]:
    """The rules without the agent's own one for Neighbour Discovery."""
    for expressions in rules:
        matched = [found["match"]["left"] for found in expressions if "match" in found]
        if not any(isinstance(left, dict) and left.get("payload", {}).get("protocol") == "icmpv6" for left in matched):
            yield expressions


def _rule(expressions: Sequence[Mapping[str, Any]]) -> ChainRule:
    fields: dict[str, Any] = {}
    version = 4
    for expression in expressions:
        match expression:
            case {"accept": _}:
                fields["accept"] = True
            case {"match": {"left": {"&": [{"meta": {"key": "mark"}}, int(mask)]}, "right": int(value)}}:
                fields["mark"] = MarkMatch(mask=mask, value=value)
            case {"match": {"left": {"meta": {"key": "oifname"}}, "right": str(name)}}:
                fields["out_interface"] = name
            case {"match": {"left": {"payload": {"protocol": protocol, "field": "daddr"}}, "right": right}} if protocol in _PROTOCOLS:
                version = _PROTOCOLS[protocol]
                fields["destinations"] = tuple(network for part in _parts(right) for network in _networks(part))
            case {"match": {"left": {"&": [{"payload": {"protocol": "tcp"}}, _]}}} | {"match": {"left": {"tcp option": _}}}:
                pass  # belongs to the clamping that follows
            case {"mangle": {"key": {"tcp option": {"name": "maxseg"}}, "value": int(size)}}:
                fields["clamp_mss_to_mtu"] = size + _HEADERS[version]
            case {"mangle": {"key": {"meta": {"key": "mark"}}, "value": value}}:
                fields["set_mark"] = _set_mark(value)
            case {"counter": _} | {"comment": _}:
                pass
            case _:
                return ChainRule()
    return ChainRule(**fields)


def _set_mark(value: Any) -> SetMark | None:
    """A mark that is masked and then combined, by exclusive or or (which nft shows where it comes to the same) by or."""
    match value:
        case {"^": [{"&": [_, int(mask)]}, int(bits)]}:
            return SetMark(mask=mask, xor=bits)
        case {"|": [{"&": [_, int(mask)]}, int(bits)]}:
            return SetMark(mask=mask & ~bits, xor=bits)
        case _:
            return None


def _parts(right: Any) -> Sequence[Any]:
    return right["set"] if isinstance(right, dict) and "set" in right else [right]


def _networks(part: Any) -> Iterator[IPPrefix]:
    match part:
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            yield IPPrefix(ipaddress.ip_address(address), length)
        case {"range": [str(first), str(last)]}:
            for network in ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last)):
                yield IPPrefix(network.network_address, network.prefixlen)
        case str(address):
            single = ipaddress.ip_address(address)
            yield IPPrefix(single, single.max_prefixlen)
        case _:
            raise ValueError(f"no address: {part!r}")
