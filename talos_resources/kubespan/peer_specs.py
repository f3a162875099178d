"""Peers from affiliates, with no address given to two of them. Source: Talos v1.14.0-rc.1, KubeSpan peer specs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from talos_resources.kubespan.memo import Memo
from talos_resources.kubespan.prefixes import Claims, Range, cover, merged, prefix_range, subtracted
from talos_resources.model.net import IPPrefix
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec

Warn = Callable[[str, str], None]
"""Is told the resource id of an affiliate that was left out, and why."""

Ranges = dict[int, list[Range]]
"""Address ranges by IP version."""


def _quiet(_id: str, _reason: str) -> None:
    """Nobody wants to know."""


@attrs.frozen
class Prepared:
    """What follows from one affiliate alone.

    Attributes:
        ranges: the addresses it wants; None if it is no peer.
        spec: its peer spec if nobody else claims any of them.
        fault: why it is no peer, where that is worth a warning.
    """

    ranges: Ranges | None = None
    spec: KubeSpanPeerSpec | None = None
    fault: str = ""


PeerMemo = Memo[Affiliate, Prepared]
"""Remembers what follows from each affiliate, so that a change of one costs little for the others."""


def peer_specs(
    affiliates: Iterable[tuple[str, Affiliate]],
    local_id: str,
    *,
    warn: Warn = _quiet,
    memo: PeerMemo | None = None,
) -> dict[str, KubeSpanPeerSpec]:
    """The peers of a node by their public key.

    An address that several peers claim belongs to the one whose resource id is first. Two affiliates
    with one key are one peer: the later one replaces the earlier and lets go of its addresses.

    Args:
        affiliates: resource id and affiliate, in any order.
        local_id: the resource id of the node's own affiliate.
        warn: is told of each peer that was left out.
        memo: what was found out before; None for nothing.
    """
    prepare = (peer_memo() if memo is None else memo).of
    claims = {4: Claims(), 6: Claims()}
    held: dict[str, Ranges] = {}
    specs: dict[str, KubeSpanPeerSpec] = {}
    for affiliate_id, affiliate in sorted(affiliates, key=_id_bytes):
        if affiliate_id == local_id:
            continue
        prepared = prepare(affiliate)
        if prepared.ranges is None or prepared.spec is None:
            if prepared.fault:
                warn(affiliate_id, prepared.fault)
            continue
        key = affiliate.kubespan.public_key if affiliate.kubespan is not None else ""
        ranges = prepared.ranges
        if key in held:
            # What is free now, with the first one's addresses still taken, is all that the key keeps.
            ranges = {version: claims[version].free_of(spans) for version, spans in ranges.items()}
            for version, spans in held[key].items():
                claims[version].remove(spans)
        own = held[key] = {4: claims[4].claim(ranges[4]), 6: claims[6].claim(ranges[6])}
        whole = own[4] is prepared.ranges[4] and own[6] is prepared.ranges[6]
        specs[key] = prepared.spec if whole else attrs.evolve(prepared.spec, allowed_ips=_cover(own))
    return specs


def peer_memo() -> PeerMemo:
    """A memo that knows nothing yet."""
    return Memo(_prepare)


def _id_bytes(item: tuple[str, Affiliate]) -> bytes:
    return item[0].encode()


def _prepare(affiliate: Affiliate) -> Prepared:
    kubespan = affiliate.kubespan
    if kubespan is None or not kubespan.public_key:
        return Prepared()
    try:
        ranges = address_ranges(affiliate)
    except ValueError as error:
        return Prepared(fault=str(error))
    spec = KubeSpanPeerSpec(address=kubespan.address, allowed_ips=_cover(ranges), endpoints=kubespan.endpoints, label=affiliate.nodename)
    return Prepared(ranges, spec)


def _cover(ranges: Ranges) -> tuple[IPPrefix, ...]:
    return tuple(prefix for version, spans in ranges.items() for span in spans for prefix in cover(version, *span))


def address_ranges(affiliate: Affiliate) -> Ranges:
    """The addresses that an affiliate wants routed to itself, IPv4 first, each version ascending and merged.

    Raises:
        ValueError: an address, or a network that is excluded, is missing or invalid.
    """
    kubespan = affiliate.kubespan
    if kubespan is None or kubespan.address is None:
        msg = "it announces no KubeSpan address"
        raise ValueError(msg)
    wanted: Ranges = {4: [], 6: []}
    for prefix in kubespan.additional_addresses:
        if prefix is None:
            msg = "it announces an empty network"
            raise ValueError(msg)
        wanted[prefix.address.version].append(prefix_range(prefix))
    for address in affiliate.addresses:
        if address is None:
            msg = "it announces an empty address"
            raise ValueError(msg)
        number = int(address)
        wanted[address.version].append((number, number))
    if kubespan.exclude_advertised_networks:
        wanted = _without(wanted, kubespan.exclude_advertised_networks)
    number = int(kubespan.address)
    wanted[kubespan.address.version].append((number, number))
    return {version: merged(ranges) for version, ranges in wanted.items()}


def _without(wanted: Ranges, excluded: Iterable[IPPrefix | None]) -> Ranges:
    holes: Ranges = {4: [], 6: []}
    for prefix in excluded:
        if prefix is None:
            msg = "it excludes an empty network"
            raise ValueError(msg)
        holes[prefix.address.version].append(prefix_range(prefix))
    return {version: subtracted(ranges, holes[version]) for version, ranges in wanted.items()}
