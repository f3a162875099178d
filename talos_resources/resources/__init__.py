"""The resource types that have a class, one file each.

Importing this package announces them all; a class is made when it, or a resource of its type, is first used:
a command that reads peer statuses does not pay for affiliates.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from talos_resources.model.kind import announce
from talos_resources.resources.index import GENERATED

if TYPE_CHECKING:
    from talos_resources.resources.cluster.affiliate import Affiliate as Affiliate
    from talos_resources.resources.cluster.affiliate import ControlPlane as ControlPlane
    from talos_resources.resources.cluster.affiliate import KubeSpanAffiliate as KubeSpanAffiliate
    from talos_resources.resources.cluster.affiliate import MachineType as MachineType
    from talos_resources.resources.cluster.config import DiscoveryConfig as DiscoveryConfig
    from talos_resources.resources.cluster.config import ServiceEndpoint as ServiceEndpoint
    from talos_resources.resources.cluster.identity import ClusterIdentity as ClusterIdentity
    from talos_resources.resources.cluster.info import ClusterInfo as ClusterInfo
    from talos_resources.resources.cluster.member import Member as Member
    from talos_resources.resources.index import *  # noqa: F403  # pyright: ignore[reportGeneralTypeIssues]  # GENERATED, once more
    from talos_resources.resources.kubespan.config import KubeSpanConfig as KubeSpanConfig
    from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint as KubeSpanEndpoint
    from talos_resources.resources.kubespan.identity import KubeSpanIdentity as KubeSpanIdentity
    from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec as KubeSpanPeerSpec
    from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus as KubeSpanPeerStatus
    from talos_resources.resources.kubespan.peer_status import PeerState as PeerState
    from talos_resources.resources.meta.definition import PrintColumn as PrintColumn
    from talos_resources.resources.meta.definition import ResourceDefinition as ResourceDefinition
    from talos_resources.resources.meta.definition import Sensitivity as Sensitivity
    from talos_resources.resources.meta.namespace import Namespace as Namespace

# Those written by hand, by module, and the type that the module has the class of.
_HOMES: Final = {
    "cluster.affiliate": ("Affiliates.cluster.talos.dev", ("Affiliate", "ControlPlane", "KubeSpanAffiliate", "MachineType")),
    "cluster.config": ("DiscoveryConfigs.cluster.talos.dev", ("DiscoveryConfig", "ServiceEndpoint")),
    "cluster.identity": ("Identities.cluster.talos.dev", ("ClusterIdentity",)),
    "cluster.info": ("Infos.cluster.talos.dev", ("ClusterInfo",)),
    "cluster.member": ("Members.cluster.talos.dev", ("Member",)),
    "kubespan.config": ("KubeSpanConfigs.kubespan.talos.dev", ("KubeSpanConfig",)),
    "kubespan.endpoint": ("KubeSpanEndpoints.kubespan.talos.dev", ("KubeSpanEndpoint",)),
    "kubespan.identity": ("KubeSpanIdentities.kubespan.talos.dev", ("KubeSpanIdentity",)),
    "kubespan.peer_spec": ("KubeSpanPeerSpecs.kubespan.talos.dev", ("KubeSpanPeerSpec",)),
    "kubespan.peer_status": ("KubeSpanPeerStatuses.kubespan.talos.dev", ("KubeSpanPeerStatus", "PeerState")),
    "meta.definition": ("ResourceDefinitions.meta.cosi.dev", ("PrintColumn", "ResourceDefinition", "Sensitivity")),
    "meta.namespace": ("Namespaces.meta.cosi.dev", ("Namespace",)),
}
_MODULES: Final = {
    **{name: f"{__name__}.{module}" for module, (_, names) in _HOMES.items() for name in names},
    **{entry.name: f"{__name__}.{entry.module}" for entry in GENERATED.values()},
}
__all__ = list(_MODULES)

for _module, (_type, _) in _HOMES.items():
    announce(_type, f"{__name__}.{_module}", own=True)
for _type, _entry in GENERATED.items():
    announce(_type, f"{__name__}.{_entry.module}", aliases=_entry.aliases, automatic=_entry.automatic)


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
