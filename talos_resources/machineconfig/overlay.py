"""Whether an overlay network fits into KubeSpan: the sizes of packets inside of packets.

Pod traffic is wrapped by the CNI (50 bytes of VXLAN or Geneve over IPv4) and then by WireGuard, if it goes
to another node through KubeSpan. What does not fit is fragmented, or lost where fragments are.

Source: Talos v1.14 sets flannel's backend MTU to KubeSpan's for this reason (siderolabs/talos#13457, #13547).
"""

from __future__ import annotations

from typing import Final

VXLAN_OVERHEAD: Final = 50
"""What flannel and Cilium take off the MTU of the network below."""


def fitting_overlay(kubespan_mtu: int) -> int:
    """The largest MTU of an overlay's own link, such as flannel.1, whose packets fit into KubeSpan."""
    return kubespan_mtu - VXLAN_OVERHEAD


def overlay_excess(overlay_mtu: int, kubespan_mtu: int) -> int:
    """By how many bytes the packets of an overlay's link are too large for KubeSpan; 0 if they fit.

    Args:
        overlay_mtu: of the overlay's own link (flannel.1, cilium_vxlan's pods), not of the network below.
        kubespan_mtu: of the link `kubespan`.
    """
    return max(0, overlay_mtu - fitting_overlay(kubespan_mtu))
