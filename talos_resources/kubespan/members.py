"""Who belongs to the cluster, and where its control plane is. Source: Talos v1.12.3, cluster members."""

from __future__ import annotations

from collections.abc import Iterable

from talos_resources.kubespan.memo import Memo
from talos_resources.model.net import IPAddress, address_key
from talos_resources.resources.cluster.affiliate import Affiliate, MachineType
from talos_resources.resources.cluster.member import Member

MemberMemo = Memo[Affiliate, Member]
"""Remembers the member that follows from each affiliate."""


def members(affiliates: Iterable[tuple[str, Affiliate]], *, memo: MemberMemo | None = None) -> dict[str, Member]:
    """The members by node name: every affiliate that has one.

    Args:
        affiliates: resource id and affiliate, in any order; of two with one name the later id wins.
        memo: the members that are made already; None for none.
    """
    of = member_of if memo is None else memo.of
    return {
        affiliate.nodename: of(affiliate) for _, affiliate in sorted(affiliates, key=lambda item: item[0].encode()) if affiliate.nodename
    }


def member_of(affiliate: Affiliate) -> Member:
    """What a member shows of its affiliate."""
    return Member(
        node_id=affiliate.node_id,
        addresses=affiliate.addresses,
        hostname=affiliate.hostname,
        machine_type=affiliate.machine_type,
        operating_system=affiliate.operating_system,
        control_plane=affiliate.control_plane,
    )


def control_plane_endpoints(every: Iterable[Member]) -> tuple[IPAddress, ...]:
    """All addresses of control planes, IPv4 before IPv6, ascending; duplicates stay."""
    return tuple(
        sorted(
            (
                address
                for member in every
                if member.machine_type in (MachineType.INIT, MachineType.CONTROL_PLANE)
                for address in member.addresses
                if address is not None
            ),
            key=address_key,
        )
    )
