"""What KubeSpan wants of the host's network: its link, address, routes, policy rules and packet chains.

These are plain values; `talos_resources.kubespan.network_specs` makes resources of them, and an agent
applies them. Source: Talos v1.14.0-rc.1, KubeSpan manager.
"""

from __future__ import annotations

from typing import Final

import attrs

from talos_resources.kubespan.constants import DEFAULT_MTU, LINK_NAME, MARK_INTO_MESH, MARK_KEEP, MARK_MASK, ROUTING_TABLE
from talos_resources.kubespan.wireguard import DeviceConfig
from talos_resources.model.net import IPPrefix

POLICY_RULE_PRIORITY: Final = 32500
"""Where KubeSpan's policy rules stand; Talos v1.12 took the highest free number from here downwards."""


@attrs.frozen(kw_only=True)
class Link:
    """The WireGuard link."""

    name: str = LINK_NAME
    mtu: int = DEFAULT_MTU
    device: DeviceConfig


@attrs.frozen(kw_only=True)
class Address:
    """An address of the link.

    Attributes:
        address: with the prefix length of the mesh's subnet, so that the kernel knows what is on the link.
        own: the node's own address, a /128; it names the resource.
    """

    link: str = LINK_NAME
    address: IPPrefix
    own: IPPrefix


@attrs.frozen(kw_only=True)
class DefaultRoute:
    """The default route of one IP version in the mesh's own routing table."""

    link: str = LINK_NAME
    version: int
    table: int = ROUTING_TABLE
    priority: int = 1
    mtu: int = DEFAULT_MTU


@attrs.frozen(kw_only=True)
class PolicyRule:
    """Packets of an IP version with a mark look into the mesh's routing table."""

    version: int
    mark: int = MARK_INTO_MESH
    mask: int = MARK_MASK
    table: int = ROUTING_TABLE
    priority: int = POLICY_RULE_PRIORITY


POLICY_RULES: Final = (PolicyRule(version=4), PolicyRule(version=6))


@attrs.frozen(kw_only=True)
class MarkMatch:
    """Whether a packet's mark, masked, is a value."""

    mask: int
    value: int


@attrs.frozen(kw_only=True)
class SetMark:
    """A packet's new mark: the old one, masked, then combined by exclusive or."""

    mask: int = MARK_KEEP
    xor: int = MARK_INTO_MESH


@attrs.frozen(kw_only=True)
class ChainRule:
    """One rule: the conditions that are given must all hold, the actions that are given happen, then the verdict.

    Attributes:
        mark: a condition.
        out_interface: a condition: the interface that the packet leaves by.
        destinations: a condition: the destination lies in one of these networks (in an empty set none does).
        clamp_mss_to_mtu: an action: TCP segments shall fit a link of this MTU.
        set_mark: an action.
        accept: no further rule is looked at.
    """

    mark: MarkMatch | None = None
    out_interface: str | None = None
    destinations: tuple[IPPrefix, ...] | None = None
    clamp_mss_to_mtu: int | None = None
    set_mark: SetMark | None = None
    accept: bool = False


@attrs.frozen(kw_only=True)
class Chain:
    """A packet chain at priority `filter` whose policy is to accept."""

    name: str
    type: str
    hook: str
    rules: tuple[ChainRule, ...]
