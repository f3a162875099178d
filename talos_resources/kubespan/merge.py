"""One affiliate from what several registries say about a node. Source: Talos v1.12.3, affiliate merge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import attrs

from talos_resources.resources.cluster.affiliate import Affiliate, KubeSpanAffiliate, MachineType

T = TypeVar("T")


def merge_affiliates(raw: Iterable[tuple[str, Affiliate]]) -> dict[str, Affiliate]:
    """The affiliates of all registries by node id.

    Args:
        raw: resource id (`k8s/NODEID`, `service/NODEID`) and affiliate, in any order; they are merged
            in order of the resource id, and belong together by the node id in the spec.
    """
    merged: dict[str, Affiliate] = {}
    for _, affiliate in sorted(raw, key=lambda item: item[0].encode()):
        known = merged.get(affiliate.node_id)
        merged[affiliate.node_id] = affiliate if known is None else merge(known, affiliate)
    return merged


def merge(base: Affiliate, later: Affiliate) -> Affiliate:
    """The base with what a later registry adds to it.

    Lists get what they miss, single values are replaced unless the later one is empty. The operating
    system is never taken from the later one: so it is in Talos, and both say the same.
    """
    return attrs.evolve(
        base,
        addresses=_union(base.addresses, later.addresses),
        hostname=later.hostname or base.hostname,
        nodename=later.nodename or base.nodename,
        machine_type=base.machine_type if later.machine_type is MachineType.UNKNOWN else later.machine_type,
        kubespan=_merge_kubespan(base.kubespan, later.kubespan),
        control_plane=base.control_plane if later.control_plane is None else later.control_plane,
    )


def _merge_kubespan(base: KubeSpanAffiliate | None, later: KubeSpanAffiliate | None) -> KubeSpanAffiliate | None:
    if base is None or later is None:
        return base if later is None else later
    return attrs.evolve(
        base,
        public_key=later.public_key or base.public_key,
        address=base.address if later.address is None else later.address,
        additional_addresses=_union(base.additional_addresses, later.additional_addresses),
        endpoints=_union(base.endpoints, later.endpoints),
        exclude_advertised_networks=_union(base.exclude_advertised_networks, later.exclude_advertised_networks),
    )


def _union(base: tuple[T, ...], later: tuple[T, ...]) -> tuple[T, ...]:
    missing = dict.fromkeys(item for item in later if item not in base)
    return (*base, *missing) if missing else base
