"""The resource types that have a class, one file each.

Importing this package registers them all.
"""

from talos_resources.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliate, MachineType
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.cluster.info import ClusterInfo
from talos_resources.resources.cluster.member import Member
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState
from talos_resources.resources.meta.definition import PrintColumn, ResourceDefinition, Sensitivity
from talos_resources.resources.meta.namespace import Namespace

__all__ = [
    "Affiliate",
    "ClusterIdentity",
    "ClusterInfo",
    "ControlPlane",
    "DiscoveryConfig",
    "KubeSpanAffiliate",
    "KubeSpanConfig",
    "KubeSpanEndpoint",
    "KubeSpanIdentity",
    "KubeSpanPeerSpec",
    "KubeSpanPeerStatus",
    "MachineType",
    "Member",
    "Namespace",
    "PeerState",
    "PrintColumn",
    "ResourceDefinition",
    "Sensitivity",
]
