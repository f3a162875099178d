"""The Kubernetes registry: affiliates as annotations of Kubernetes nodes. Source: Talos v1.14.0-rc.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs

from talos_resources.model.net import AddrPort, IPPrefix, format_address, parse_address
from talos_resources.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliate, MachineType

T = TypeVar("T")

NODE_ID: Final = "cluster.talos.dev/node-id"
API_SERVER_PORT: Final = "networking.talos.dev/api-server-port"
ASSIGNED_PREFIXES: Final = "networking.talos.dev/assigned-prefixes"
EXCLUDED_NETWORKS: Final = "networking.talos.dev/kubespan-exclude-advertised-networks"
"""Since Talos 1.13."""
KUBESPAN_ENDPOINTS: Final = "networking.talos.dev/kubespan-endpoints"
KUBESPAN_IP: Final = "networking.talos.dev/kubespan-ip"
KUBESPAN_PUBLIC_KEY: Final = "networking.talos.dev/kubespan-public-key"
SELF_IPS: Final = "networking.talos.dev/self-ips"
CONTROL_PLANE_LABEL: Final = "node-role.kubernetes.io/control-plane"


@attrs.frozen(kw_only=True)
class KubernetesNode:
    """What the registry reads of a Kubernetes node.

    Attributes:
        name: its name.
        annotations: its annotations.
        labels: its labels.
        hostname: the first of its addresses that is a host name; empty if there is none.
        os_image: operating system and version.
    """

    name: str
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    hostname: str = ""
    os_image: str = ""


def to_annotations(affiliate: Affiliate) -> dict[str, str]:
    """The annotations that announce an affiliate; an empty text means that the annotation is removed."""
    kubespan = affiliate.kubespan or KubeSpanAffiliate()
    return {
        NODE_ID: affiliate.node_id,
        API_SERVER_PORT: str(affiliate.control_plane.port) if affiliate.control_plane is not None else "",
        ASSIGNED_PREFIXES: ",".join(str(prefix) for prefix in kubespan.additional_addresses if prefix is not None),
        EXCLUDED_NETWORKS: ",".join(str(prefix) for prefix in kubespan.exclude_advertised_networks if prefix is not None),
        KUBESPAN_ENDPOINTS: ",".join(str(endpoint) for endpoint in kubespan.endpoints if endpoint is not None),
        KUBESPAN_IP: format_address(kubespan.address) if kubespan.address is not None else "",
        KUBESPAN_PUBLIC_KEY: kubespan.public_key,
        SELF_IPS: ",".join(format_address(address) for address in affiliate.addresses if address is not None),
    }


def from_node(node: KubernetesNode) -> Affiliate | None:
    """The affiliate that a Kubernetes node announces; None if it takes no part. What cannot be read is left out."""
    texts = node.annotations
    node_id = texts.get(NODE_ID)
    if node_id is None:
        return None
    port = _one(int, texts.get(API_SERVER_PORT, ""))
    address = _one(parse_address, texts.get(KUBESPAN_IP, ""))
    kubespan = KubeSpanAffiliate(
        public_key=texts.get(KUBESPAN_PUBLIC_KEY, ""),
        address=address,
        additional_addresses=_several(IPPrefix.parse, texts.get(ASSIGNED_PREFIXES, "")),
        endpoints=_several(AddrPort.parse, texts.get(KUBESPAN_ENDPOINTS, "")),
        exclude_advertised_networks=_several(IPPrefix.parse, texts.get(EXCLUDED_NETWORKS, "")),
    )
    return Affiliate(
        node_id=node_id,
        addresses=_several(parse_address, texts.get(SELF_IPS, "")),
        hostname=node.hostname,
        nodename=node.name,
        operating_system=node.os_image,
        machine_type=MachineType.CONTROL_PLANE if CONTROL_PLANE_LABEL in node.labels else MachineType.WORKER,
        kubespan=None if kubespan == KubeSpanAffiliate() else kubespan,
        control_plane=None if port is None else ControlPlane(port=port),
    )


def _one(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _several(parse: Callable[[str], T], text: str) -> tuple[T, ...]:
    found = (_one(parse, item) for item in text.split(","))
    return tuple(item for item in found if item is not None)
