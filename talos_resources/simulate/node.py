"""One simulated node: its host, its State and the controllers that a real node runs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.kubespan import host
from talos_resources.kubespan.controllers import (
    CLUSTER,
    KUBESPAN,
    LOCAL,
    AffiliateMergeController,
    EndpointController,
    IdentityController,
    LocalAffiliateController,
    MemberController,
    PeerSpecController,
)
from talos_resources.kubespan.keys import clamp, public_key
from talos_resources.kubespan.manager_controller import DeviceController, ManagerController
from talos_resources.kubespan.network_specs import NETWORK_KINDS
from talos_resources.kubespan.node_id import encode
from talos_resources.kubespan.rendered import Form
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind, kind_of, own_kinds, typed_kind
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import release_of
from talos_resources.releases.release import KubeSpanRules
from talos_resources.resources import (
    ClusterIdentity,
    ClusterInfo,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanIdentity,
    MachineType,
    Namespace,
    ResourceDefinition,
    ServiceEndpoint,
)
from talos_resources.resources.meta.definition import definition_of
from talos_resources.runtime.controller import Controller
from talos_resources.runtime.runtime import Report, Runtime
from talos_resources.runtime.scheduler import Scheduler
from talos_resources.simulate.device import SimulatedDevice
from talos_resources.simulate.discovery import SimulatedDiscoveryController
from talos_resources.simulate.network import Host
from talos_resources.simulate.settings import ClusterSecrets, Disk, NodeSettings, Origin, Shared
from talos_resources.simulate.skew import SkewedTime

__all__ = ["NodeSettings", "Origin", "Shared", "SimulatedNode"]

_NAMESPACES: Final = {
    "meta": "Metadata: namespaces and resource definitions.",
    "config": "Talos node configuration.",
    "cluster": "Talos cluster membership information.",
    "cluster-raw": "Talos cluster membership as each registry tells it.",
    "kubespan": "KubeSpan resources.",
    "network": "Networking resources.",
    "network-config": "Networking resources that are asked for.",
    "k8s": "Kubernetes on this node.",
    "controlplane": "Kubernetes control plane.",
}


class SimulatedNode:
    """A node that can be switched on and off; its keys survive, its State does not.

    Attributes:
        settings: what it is like.
        host: its place in the network.
        state: what `talosctl get` would show of it.
        device: its WireGuard device.
        disk: the machine configuration that it keeps; None for one that nobody has asked for it yet.
        on_boot: called each time it is switched on, before its controllers run.
    """

    def __init__(self, settings: NodeSettings, place: Host, shared: Shared, random: Random, *, origin: Origin | None = None) -> None:
        self.settings = settings
        self.host = place
        self._shared = shared
        self._random = random
        self._scheduler: Scheduler = shared.clock if not settings.skew_s else SkewedTime(shared.clock, settings.skew_s)
        if origin is None:
            self.node_id = encode(random.randbytes(32))
            self._hardware = ":".join(f"{octet:02x}" for octet in (0x02, *random.randbytes(5)))
            self._keys = self._new_keys()
        else:
            self.node_id, self._hardware, self._keys = origin.node_id, origin.hardware_address, origin.identity
        self.device = SimulatedDevice(place, shared.air, skew_s=settings.skew_s)
        self.state = MemoryState(clock=self._scheduler.now)
        self._runtime: Runtime | None = None
        self.disk: Disk | None = None
        self.on_boot: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Switches the node on: a fresh State, the settings, the controllers."""
        self.host.online = True
        self.state = self._shared.witness.begin(self.settings.name, self._scheduler.now)
        self._describe()
        self.on_boot()
        runtime = self._runtime = Runtime(self.state, self.controllers(), self._scheduler)
        self._listen(runtime)
        runtime.start()

    def stop(self) -> None:
        """Switches the node off; its State stays to be looked at."""
        if self._runtime is not None:
            self._runtime.stop()
            self._runtime = None
            self._shared.witness.end(self.settings.name, self.state)
        self._shared.service.forget(self.node_id)
        self.device.remove()
        self.host.online = False

    def replace_keys(self) -> None:
        """Makes the node forget its key pair, as if its disk had been wiped, and start again."""
        self.stop()
        self._keys = self._new_keys()
        self.start()

    def address_changed(self) -> None:
        """Tells the node of its host's address, after that was changed."""
        self._tell_addresses()
        if self._runtime is not None:
            self._runtime.poll()

    def reports(self) -> tuple[Report, ...]:
        """How each controller is; none while the node is off."""
        return () if self._runtime is None else self._runtime.reports()

    def set_config(self, **changes: Any) -> None:
        """Changes settings of a running node; see `NodeSettings`."""
        self.settings = attrs.evolve(self.settings, **changes)
        self._put(KubeSpanConfig, KUBESPAN, self._config())
        self._put(DiscoveryConfig, CLUSTER, self._discovery())
        if self._runtime is not None:
            self._listen(self._runtime)
            self._runtime.poll()

    @property
    def identity(self) -> ClusterSecrets:
        """By what it knows the others of its cluster."""
        shared = self._shared
        return ClusterSecrets(cluster_id=shared.cluster_id, cluster_name=shared.cluster_name, secret=shared.secret)

    def _listen(self, runtime: Runtime) -> None:
        """Hears news of discovery, if it takes part in it."""
        if self.settings.discovery:
            self._shared.service.listen(self.node_id, lambda: runtime.wake(SimulatedDiscoveryController.name))
        else:
            self._shared.service.forget(self.node_id)

    def _new_keys(self) -> KubeSpanIdentity:
        private = clamp(self._random.randbytes(32))
        return KubeSpanIdentity(private_key=private, public_key=public_key(private))

    def controllers(self) -> list[Controller]:
        """Fresh ones, as the node runs them."""
        shared = self._shared
        return [
            IdentityController(lambda: self._keys),
            LocalAffiliateController(self.settings.operating_system),
            SimulatedDiscoveryController(shared.service, self.host),
            AffiliateMergeController(),
            MemberController(shared.members),
            PeerSpecController(shared.peers),
            EndpointController(),
            ManagerController(self.device, memo=shared.configs, rules=self._rules),
            DeviceController(self.device),
        ]

    def _config(self) -> KubeSpanConfig:
        settings = self.settings
        return KubeSpanConfig(
            enabled=settings.kubespan,
            cluster_id=self._shared.cluster_id,
            shared_secret=self._shared.secret,
            force_routing=settings.force_routing,
            advertise_kubernetes_networks=settings.advertise_pods,
            mtu=settings.mtu,
            endpoint_filters=settings.endpoint_filters,
            harvest_extra_endpoints=settings.harvest,
            extra_endpoints=settings.extra_endpoints,
            exclude_advertised_networks=settings.excluded,
        )

    def _describe(self) -> None:
        settings, shared = self.settings, self._shared
        for name, description in _NAMESPACES.items():
            self.state.create(Resource.new(Namespace(description=description), id=name))
        told = [typed_kind(kind.type) for kind in (*host.HOST_KINDS, *NETWORK_KINDS)]
        for kind in (*own_kinds(), *filter(None, told)):
            self.state.create(Resource.new(_definition(kind), id=kind.id))
        self._put(KubeSpanConfig, KUBESPAN, self._config())
        self._put(DiscoveryConfig, CLUSTER, self._discovery())
        self._put(ClusterIdentity, LOCAL, ClusterIdentity(node_id=self.node_id))
        self._put(ClusterInfo, "current", ClusterInfo(cluster_id=shared.cluster_id, cluster_name=shared.cluster_name))
        if self._keys.address is not None:  # the controller leaves an identity that is there as it is
            self.state.create(Resource.new(self._keys, id=LOCAL), owner=IdentityController.name)
        self._tell(host.HARDWARE_ADDRESSES, host.FIRST_HARDWARE_ADDRESS, host.HardwareAddress("eth0", self._hardware))
        self._tell(host.HOSTNAMES, host.HOSTNAME, host.Hostname(settings.name))
        self._tell(host.NODENAMES, host.NODENAME, settings.name)
        self._tell(host.MACHINE_TYPES, host.MACHINE_TYPE, MachineType.CONTROL_PLANE if settings.control_plane else MachineType.WORKER)
        if settings.control_plane:
            self._tell(host.API_SERVERS, host.API_SERVER, 6443)
        self._tell_addresses()

    @property
    def _rules(self) -> KubeSpanRules:
        return release_of(self.settings.version).kubespan

    def _discovery(self) -> DiscoveryConfig:
        if not self.settings.discovery:
            return DiscoveryConfig()
        switch = self._rules.discovery_switch  # who has it has no list of services
        return DiscoveryConfig(
            discovery_enabled=switch,
            registry_service_enabled=True,
            service_endpoint=self.settings.service,
            service_endpoints=() if switch else (ServiceEndpoint(name="default", endpoint=self.settings.service),),
            service_encryption_key=base64.b64decode(self._shared.secret),
            service_cluster_id=self._shared.cluster_id,
        )

    def _tell_addresses(self) -> None:
        address = self.host.address
        own = (IPPrefix(address, 24 if address.version == 4 else 64),)
        self._tell(host.NODE_ADDRESSES, host.ROUTED_WITHOUT_KUBERNETES, own)
        self._tell(host.NODE_ADDRESSES, host.CURRENT_WITHOUT_KUBERNETES, own)
        if self.settings.pods is not None:
            self._tell(host.NODE_ADDRESSES, host.CURRENT_OF_KUBERNETES, (self.settings.pods,))
            name = self.settings.name
            self._tell(host.NODE_STATUSES, name, host.KubernetesNode(name, (self.settings.pods,)))
        public = self.settings.public_address
        if public is None and self.host.router is not None:
            public = self.host.router.address
        if public is not None:
            self._tell(host.PUBLIC_ADDRESSES, "service", IPPrefix(public, public.max_prefixlen), namespace="cluster")

    def _tell(self, form: Form[Any], id: str, value: Any, *, namespace: str | None = None) -> None:
        self._put(form.kind, id, form.spec(value), namespace=namespace)

    def _put(self, kind: type[Any] | Kind[Any], id: str, spec: Any, *, namespace: str | None = None) -> None:
        try:
            old = self.state.get(kind, id, namespace=namespace)
        except NotFoundError:
            self.state.create(Resource.new(spec, id=id, kind=kind_of(kind), namespace=namespace))
            return
        if old.spec != spec:
            self.state.update(old.with_spec(spec))

    @property
    def now(self) -> Timestamp:
        """The node's own time."""
        return self._scheduler.now()


_DEFINITIONS: Final[dict[str, ResourceDefinition]] = {}


def _definition(kind: Kind[Any]) -> ResourceDefinition:
    """The definition of a kind, one object for all nodes."""
    found = _DEFINITIONS.get(kind.id)
    if found is None:
        found = _DEFINITIONS[kind.id] = definition_of(kind)
    return found
