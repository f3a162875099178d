"""Sizes of packets: what both rules of the MTU ask."""

from __future__ import annotations

from typing import Final

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.snapshot import NodeView

OVERHEAD: Final = {4: 60, 6: 80}
"""What WireGuard adds, by the family of the endpoint."""


def tunnel_mtu(view: NodeView) -> int | None:
    """The MTU of the tunnel: that of the link if it shows, else what is configured; None if unknown."""
    if view.tunnel_mtu:
        return view.tunnel_mtu
    return view.config.mtu or None if view.config is not None and view.config.enabled else None


def family_in_use(case: Case, index: int) -> int:
    """6 if any link of a node runs over IPv6, or may where nothing is up; else 4."""
    view = case.life.fresh[index]
    used = {
        status.spec.endpoint.address.version
        for status in view.statuses
        if status.spec.endpoint is not None and status.spec.state.value == "up"
    }
    return 6 if 6 in (used or case.places.families(index)) else 4
