"""The networks that nodes announce, and where they overlap."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.kubespan.prefixes import Range, prefix_range
from talos_resources.model.net import IPPrefix

Claim = tuple[int, int, int]
"""First and last address of what a node claims, and its index."""


def claims(case: Case) -> dict[int, list[Claim]]:
    """IP version → every network and address that a node announces, sorted; default routes are a matter of their own."""
    found: dict[int, list[Claim]] = {4: [], 6: []}
    for index, affiliate in case.affiliate_of.items():
        hosts = [IPPrefix(address, address.max_prefixlen) for address in affiliate.addresses if address is not None]
        for prefix in {*hosts, *networks_of(case, index)}:
            found[prefix.address.version].append((*prefix_range(prefix), index))
    return {version: sorted(several) for version, several in found.items()}


def networks_of(case: Case, index: int) -> tuple[IPPrefix, ...]:
    """The networks that a node announces beside its own addresses, without default routes."""
    kubespan = case.affiliate_of[index].kubespan if index in case.affiliate_of else None
    more = kubespan.additional_addresses if kubespan is not None else ()
    return tuple(prefix for prefix in more if prefix is not None and prefix.length)


def overlaps(several: list[Claim]) -> Iterator[tuple[Range, int, int]]:
    """What two nodes claim both, in one sweep: a claim is compared with those that reach into it."""
    active: list[Claim] = []
    for first, last, index in several:
        active = [claim for claim in active if claim[1] >= first]
        for _, end, other in active:
            if other != index:
                yield (first, min(last, end)), other, index
        active.append((first, last, index))
