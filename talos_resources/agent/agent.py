"""The agent: one host as a KubeSpan node, from start to stop."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs

from talos_resources.agent.facts import put, read_facts, tell
from talos_resources.agent.network import HostDevice, HostRules, NetworkController, clean_host
from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.controller import DiscoveryServiceController, make_client
from talos_resources.kubespan import host
from talos_resources.kubespan.config import discovery_config, kubespan_config
from talos_resources.kubespan.constants import LINK_NAME
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
from talos_resources.kubespan.identity import load_identity
from talos_resources.kubespan.manager_controller import ManagerController
from talos_resources.kubespan.network_specs import NETWORK_KINDS
from talos_resources.kubespan.node_id import load_node_id
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.config import POD_SUBNET, SERVICE_SUBNET
from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import typed_kinds
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.resources import ClusterIdentity, ClusterInfo, DiscoveryConfig, KubeSpanConfig, MachineType, Namespace
from talos_resources.resources.meta.definition import definition_of
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime

FACTS_S: Final = 10.0
"""How often the host is asked for its addresses."""
HISTORY: Final = 10_000

log: Final = logging.getLogger("talos_resources.agent")


@attrs.frozen(kw_only=True)
class Settings:
    """What the agent is told.

    Attributes:
        config: the machine configuration: cluster id and secret, KubeSpan, discovery, machine type.
        state_dir: keeps the identities across restarts.
        nodename: in Kubernetes; None for the host's name.
        link: of the WireGuard interface.
        discovery_ca: PEM of the authorities of the discovery service's certificate; None for the system's.
    """

    config: MachineConfig = attrs.field(repr=False)
    state_dir: Path
    nodename: str | None = None
    link: str = LINK_NAME
    discovery_ca: bytes | None = None


class Agent:
    """A KubeSpan node on this host, from entering to leaving.

    Attributes:
        state: what `talosctl get` would show of it.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the settings; nothing is changed yet.

        Raises:
            ConfigError: the configuration does not make a KubeSpan node.
            DecodeError: an identity file that is damaged.
        """
        main = settings.config.main
        if main is None:
            raise ConfigError("the machine configuration has no v1alpha1 document")
        self._fields = main.fields
        _check(self._fields)
        self._kubernetes = kubernetes_networks(self._fields)
        self._settings = settings
        self.state = MemoryState(capacity=HISTORY, gap=0)
        self._clock = RealTime()
        self._device = HostDevice(settings.link)
        self._network = NetworkController(self._device)
        self._manager = ManagerController(self._device, HostRules())
        self._discovery = DiscoveryServiceController(lambda found, on_change: make_client(found, on_change, ca=settings.discovery_ca))
        self._runtime: Runtime | None = None
        self._stopping = threading.Event()
        self._facts: threading.Thread | None = None

    def start(self) -> None:
        """Makes the host a node: takes away what a former run has left, then begins.

        Raises:
            OSError: the state directory cannot be written, or the host's tools fail.
        """
        settings = self._settings
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        clean_host(settings.link)
        self._describe(load_node_id(settings.state_dir))
        self._tell_facts()
        self._runtime = Runtime(self.state, self._controllers(), self._clock)
        self._runtime.start()
        self._clock.start()
        self._facts = threading.Thread(target=self._follow_facts, name="talos-resources facts", daemon=True)
        self._facts.start()

    def stop(self) -> None:
        """Leaves the mesh, and takes link, routes, rules and chains away; twice is no error."""
        runtime, self._runtime = self._runtime, None
        self._stopping.set()
        if runtime is None:
            return
        self._discovery.leave()
        runtime.stop()
        self._clock.stop()
        self._network.clean_up()
        clean_host(self._settings.link)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _controllers(self) -> list[Any]:
        load: Callable[[], Any] = lambda: load_identity(self._settings.state_dir)  # noqa: E731 - what the controller takes
        return [
            IdentityController(load),
            LocalAffiliateController(_operating_system()),
            self._discovery,
            AffiliateMergeController(),
            MemberController(),
            PeerSpecController(),
            EndpointController(),
            self._manager,
            self._network,
        ]

    def _describe(self, node_id: str) -> None:
        """Puts the node's configuration into its state."""
        kinds = (*typed_kinds(), *host.HOST_KINDS, *NETWORK_KINDS)
        for namespace in sorted({kind.namespace for kind in kinds} | {"cluster-raw", "network-config"}):
            self.state.create(Resource.new(Namespace(), id=namespace))
        for kind in kinds:
            self.state.create(Resource.new(definition_of(kind), id=kind.id))
        cluster = self._fields.get("cluster") or {}
        extra = self._settings.config.get("extraAnnouncedEndpoints", (), kind="KubeSpanEndpointsConfig")
        kubespan, discovery = kubespan_config(self._fields, [str(endpoint) for endpoint in extra]), discovery_config(self._fields)
        assert kubespan is not None
        assert discovery is not None
        put(self.state, KubeSpanConfig, KUBESPAN, kubespan)
        put(self.state, DiscoveryConfig, CLUSTER, discovery)
        put(self.state, ClusterIdentity, LOCAL, ClusterIdentity(node_id=node_id))
        put(self.state, ClusterInfo, "current", ClusterInfo(cluster_id=kubespan.cluster_id, cluster_name=cluster.get("clusterName", "")))

    def _tell_facts(self) -> None:
        facts = read_facts(self._settings.link, self._kubernetes)
        machine_type = _machine_type(self._fields)
        control_plane = (self._fields.get("cluster") or {}).get("controlPlane") or {}
        port = control_plane.get("localAPIServerPort") or 6443
        tell(
            self.state,
            facts,
            nodename=self._settings.nodename or facts.hostname,
            machine_type=machine_type,
            api_server_port=port if machine_type is not MachineType.WORKER else None,
        )

    def _follow_facts(self) -> None:
        while not self._stopping.wait(FACTS_S):
            try:
                self._tell_facts()
            except OSError as error:
                log.warning("the host's addresses cannot be read: %s", error)


def kubernetes_networks(fields: Any) -> tuple[IPPrefix, ...]:
    """The networks of pods and services in a v1alpha1 document, or Talos's own where it names none.

    Raises:
        ConfigError: one that is no network.
    """
    network = (fields.get("cluster") or {}).get("network") or {}
    texts = [*(network.get("podSubnets") or (POD_SUBNET,)), *(network.get("serviceSubnets") or (SERVICE_SUBNET,))]
    try:
        return tuple(IPPrefix.parse(str(text)) for text in texts)
    except ValueError as error:
        raise ConfigError(f"cluster.network: {error}") from None


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _machine_type(fields: Any) -> MachineType:
    text = (fields.get("machine") or {}).get("type") or "worker"
    return MachineType("worker" if text == "join" else text)


def _check(fields: Any) -> None:
    from talos_resources.kubespan.config import faults

    kubespan = kubespan_config(fields)
    if kubespan is None or not kubespan.enabled:
        raise ConfigError("machine.network.kubespan.enabled is not true in the machine configuration; `kubespan patch` switches it on")
    if found := faults(fields):
        raise ConfigError("; ".join(found))
