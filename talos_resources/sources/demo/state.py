"""A node of the demo as a state: what a node holds is made when somebody asks for it."""

from __future__ import annotations

import importlib
from typing import Any, Final

from talos_resources.model.errors import UnknownKindError
from talos_resources.model.kind import Kind, typed_kind
from talos_resources.sources.demand import DemandState
from talos_resources.state.registry import resolve_class

_DEFINITIONS: Final = "ResourceDefinitions.meta.cosi.dev"
MAKERS: Final = {
    "Namespaces.meta.cosi.dev": "meta.namespaces",
    "KubeSpanConfigs.kubespan.talos.dev": "kubespan.config",
    "KubeSpanIdentities.kubespan.talos.dev": "kubespan.identity",
    "KubeSpanPeerSpecs.kubespan.talos.dev": "kubespan.peer_specs",
    "KubeSpanPeerStatuses.kubespan.talos.dev": "kubespan.peer_statuses",
    "KubeSpanEndpoints.kubespan.talos.dev": "kubespan.endpoints",
    "DiscoveryConfigs.cluster.talos.dev": "discovery.config",
    "Identities.cluster.talos.dev": "discovery.identity",
    "Infos.cluster.talos.dev": "discovery.info",
    "Affiliates.cluster.talos.dev": "discovery.affiliates",
    "Members.cluster.talos.dev": "discovery.members",
    "LinkStatuses.net.talos.dev": "network.links",
    "AddressStatuses.net.talos.dev": "network.addresses",
    "RouteStatuses.net.talos.dev": "network.routes",
    "RoutingRuleStatuses.net.talos.dev": "network.rules",
    "NfTablesChains.net.talos.dev": "network.chains",
    "NodeAddresses.net.talos.dev": "network.node_addresses",
    "HardwareAddresses.net.talos.dev": "network.hardware_addresses",
    "HostnameStatuses.net.talos.dev": "network.hostname",
    "ResolverStatuses.net.talos.dev": "network.resolvers",
    "TimeServerStatuses.net.talos.dev": "network.time_servers",
    "NetworkStatuses.net.talos.dev": "network.status",
    "MachineTypes.config.talos.dev": "runtime.machine_type",
    "MachineStatuses.runtime.talos.dev": "runtime.stage",
    "Services.v1alpha1.talos.dev": "runtime.services",
    "TimeStatuses.v1alpha1.talos.dev": "runtime.clock",
    "Versions.runtime.talos.dev": "runtime.version",
    "PlatformMetadatas.talos.dev": "runtime.platform",
    "SecurityStates.talos.dev": "runtime.security",
    "SystemInformations.hardware.talos.dev": "runtime.system",
    "Processors.hardware.talos.dev": "runtime.processors",
    "MemoryModules.hardware.talos.dev": "runtime.memory",
    "PCIDevices.hardware.talos.dev": "runtime.devices",
    "Disks.block.talos.dev": "storage.disks",
    "SystemDisks.block.talos.dev": "storage.system_disk",
    "BlockDevices.block.talos.dev": "storage.devices",
    "DiscoveredVolumes.block.talos.dev": "storage.discovered",
    "VolumeStatuses.block.talos.dev": "storage.volumes",
    "MountStatuses.runtime.talos.dev": "storage.mounts",
    "Nodenames.kubernetes.talos.dev": "kubernetes.nodename",
    "NodeStatuses.kubernetes.talos.dev": "kubernetes.node_status",
    "NodeIPs.kubernetes.talos.dev": "kubernetes.node_ip",
    "KubeletSpecs.kubernetes.talos.dev": "kubernetes.kubelet",
    "StaticPods.kubernetes.talos.dev": "kubernetes.static_pods",
    "StaticPodStatuses.kubernetes.talos.dev": "kubernetes.static_pod_statuses",
    "Endpoints.kubernetes.talos.dev": "kubernetes.endpoints",
    "KubePrismEndpoints.kubernetes.talos.dev": "kubernetes.prism",
    "EtcdMembers.etcd.talos.dev": "kubernetes.etcd_member",
    "EtcdSpecs.etcd.talos.dev": "kubernetes.etcd_spec",
}
"""Full type → the module here and its function that makes the resources of a machine."""


class DemoState(DemandState):
    """What a node of the demo holds."""

    def __init__(self, index: int) -> None:
        """Nothing is made yet.

        Args:
            index: of the node in `data.NODES`.
        """
        super().__init__()
        self._index = index
        self._brought: set[str] = set()

    def kind(self, name: str) -> Kind[Any]:
        """See `State.kind`. The definitions are our own, so that they need not be made for it."""
        if _DEFINITIONS in self._brought:
            return super().kind(name)
        try:
            return resolve_class(name, among=_defined())
        except UnknownKindError:
            return super().kind(name)

    def _bring(self, type: str) -> None:
        if type in self._brought:
            return
        self._brought.add(type)
        if type == _DEFINITIONS:
            self._define()
        elif (maker := MAKERS.get(type)) is not None:
            from talos_resources.sources.demo.machine import Machine

            module, _, function = maker.partition(".")
            made = importlib.import_module(f"talos_resources.sources.demo.{module}")
            self._add(getattr(made, function)(Machine(self._index)))

    def _bring_all(self) -> None:
        for type in (*MAKERS, _DEFINITIONS):  # noqa: A001 - what is asked for
            self._bring(type)

    def _define(self) -> None:
        from talos_resources.resources.meta.definition import definition_of
        from talos_resources.sources.demo.machine import Machine
        from talos_resources.sources.demo.stored import stored

        booted = Machine(self._index).booted
        kinds = [kind for full in _defined() if (kind := typed_kind(full)) is not None]
        self._add(stored(definition_of(kind), kind.id, created=booted) for kind in kinds)


def _defined() -> tuple[str, ...]:
    """The types that a node of the demo knows: those that it holds."""
    return (*MAKERS, _DEFINITIONS)
