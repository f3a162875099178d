"""KubeNetworkConfig: the subnets of pods and services.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from talos_resources.machineconfig.validate.report import Subject

_LENGTH: Final[Mapping[int, int]] = {4: 32, 6: 128}
_DEFAULT_NODE_MASK: Final[Mapping[int, int]] = {4: 24, 6: 64}
_LEAST_HOST_BITS: Final = 4
_MOST_NODE_BITS: Final = 16
_MOST_SERVICE_BITS: Final = 20


def check_network_document(subject: Subject) -> None:
    """Checks the document."""
    masks = dict(_DEFAULT_NODE_MASK)
    pods, services = (subject.fields.get(key) or [] for key in ("podSubnets", "serviceSubnets"))
    for version, length in _LENGTH.items():
        mask = subject.fields.get(f"nodeCIDRMaskSizeIPv{version}", 0)
        if 1 <= mask <= length:
            masks[version] = mask
    for what, subnets in (("pod", pods), ("service", services)):
        for fault in _faults(what, subnets, masks):
            subject.error(f"{what} subnets: {fault}")
    if len(pods) != len(services):
        subject.error("the number of pod subnets must match the number of service subnets")
    for version, length in _LENGTH.items():
        mask = subject.fields.get(f"nodeCIDRMaskSizeIPv{version}", 0)
        if mask and not 1 <= mask <= length:
            subject.error(f"nodeCIDRMaskSizeIPv{version} must be between 1 and {length}")


def _faults(what: str, subnets: list[str], masks: Mapping[int, int]) -> list[str]:
    """What is wrong with one of the two lists."""
    if not subnets:
        return ["at least one subnet must be specified"]
    if len(subnets) > 2:
        return ["at most two subnets can be specified for dual-stack clusters"]
    networks = [ipaddress.ip_interface(subnet) for subnet in subnets if subnet]
    if len(networks) < len(subnets):
        return ["invalid subnet: it is empty"]
    if len({network.version for network in networks}) < len(networks):
        return ["at most one IPv4 and one IPv6 subnet can be specified for dual-stack clusters"]
    return [f"invalid subnet: {fault}" for network in networks if (fault := _fault(what, network, masks))]


def _fault(what: str, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface, masks: Mapping[int, int]) -> str:
    network, length = interface.network, interface.max_prefixlen
    bits = network.prefixlen
    if interface.ip != network.network_address:
        return f"{interface} is not a valid CIDR"
    if length - bits < _LEAST_HOST_BITS:
        return f"/{bits} is too small, it needs at least {_LEAST_HOST_BITS} host bits (/{length - _LEAST_HOST_BITS} or larger)"
    if what == "service":
        if length - bits > _MOST_SERVICE_BITS:
            least = length - _MOST_SERVICE_BITS
            return f"{network} is too large, it must be at least /{least} (at most {_MOST_SERVICE_BITS} host identifier bits)"
        return ""
    mask = masks[interface.version]
    if bits > mask:
        return f"{network} is smaller than the per-node pod CIDR mask size /{mask}"
    if mask - bits > _MOST_NODE_BITS:
        return f"{network} is too large for the per-node pod CIDR mask size /{mask}, the difference must be at most {_MOST_NODE_BITS} bits"
    return ""
