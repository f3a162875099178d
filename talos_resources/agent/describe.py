"""The node's configuration, as the resources that Talos makes of it."""

from __future__ import annotations

import platform
import socket
from typing import Any, Final

from talos_resources.agent.addresses import Filters
from talos_resources.agent.facts import Identity, nodename_of
from talos_resources.agent.publish import Publisher
from talos_resources.kubespan.config import cluster_info, discovery_config, kubespan_config
from talos_resources.kubespan.controllers import CLUSTER, KUBESPAN, LOCAL
from talos_resources.kubespan.faults import faults
from talos_resources.machineconfig.defaults import POD_SUBNET, SERVICE_SUBNET
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import typed_kinds
from talos_resources.model.net import IPPrefix
from talos_resources.resources import ClusterIdentity, ClusterInfo, DiscoveryConfig, KubeSpanConfig, MachineType, Namespace
from talos_resources.resources.meta.definition import ResourceDefinition, definition_of
from talos_resources.resources.meta.namespace import NAMESPACES

_META: Final = "meta"
_API_PORT: Final = 6443


def describe(to: Publisher, config: MachineConfig, *, node_id: str) -> None:
    """Puts the node's configuration and the definitions of its resources into its state.

    Args:
        to: where.
        config: as `check` wants it.
        node_id: the node's identity in the cluster.
    """
    for namespace, description in NAMESPACES.items():
        to.put(Namespace, namespace, Namespace(description=description), owner=_META)
    for kind in typed_kinds():
        to.put(ResourceDefinition, kind.id, definition_of(kind), owner=_META)
    kubespan, discovery, info = kubespan_config(config.documents), discovery_config(config.documents), cluster_info(config.documents)
    assert kubespan is not None
    assert discovery is not None
    assert info is not None
    to.put(KubeSpanConfig, KUBESPAN, kubespan, owner="kubespan.ConfigController")
    to.put(DiscoveryConfig, CLUSTER, discovery, owner="cluster.ConfigController")
    to.put(ClusterIdentity, LOCAL, ClusterIdentity(node_id=node_id), owner="cluster.NodeIdentityController")
    to.put(ClusterInfo, "current", info, owner="cluster.InfoController")


def check(config: MachineConfig) -> None:
    """Whether the configuration makes a KubeSpan node.

    Raises:
        ConfigError: it does not, with all reasons.
    """
    fields_of(config)
    kubespan = kubespan_config(config.documents)
    if kubespan is None or not kubespan.enabled:
        raise ConfigError(
            "the machine configuration does not enable KubeSpan (machine.network.kubespan, KubeSpanConfig); `kubespan patch` does"
        )
    if found := faults(config.documents):
        raise ConfigError("; ".join(found))


def fields_of(config: MachineConfig) -> Any:
    """The fields of the v1alpha1 document.

    Raises:
        ConfigError: there is none.
    """
    if config.main is None:
        raise ConfigError("the machine configuration has no v1alpha1 document")
    return config.main.fields


def filters_of(config: MachineConfig) -> Filters:
    """The networks of pods and services, or Talos's own where the configuration names none.

    Raises:
        ConfigError: one that is no network.
    """

    def networks(key: str, usual: str) -> tuple[IPPrefix, ...]:
        texts = _setting(config, ("KubeNetworkConfig", key), (MAIN, f"cluster.network.{key}"))
        return tuple(IPPrefix.parse(str(text)) for text in texts or (usual,))

    try:
        return Filters(
            pods=networks("podSubnets", POD_SUBNET),
            services=networks("serviceSubnets", SERVICE_SUBNET),
            longest_first=str(config.get("machine.features.nodeAddressSortAlgorithm", "")).lower() == "v2",
        )
    except ValueError as error:
        raise ConfigError(f"the networks of Kubernetes in the machine configuration: {error}") from None


def identity_of(config: MachineConfig, nodename: str | None) -> Identity:
    """Who the node is: by the configuration, and by this host where that says nothing.

    Raises:
        ConfigError: the host's name makes no name of a node.
    """
    kind = config.get("machine.type") or "worker"
    machine_type = MachineType("worker" if kind == "join" else kind)
    hostname = socket.gethostname()
    full = bool(_setting(config, ("KubeNodeConfig", "registerWithFQDN"), (MAIN, "machine.kubelet.registerWithFQDN")))
    port = _setting(config, ("KubeAPIServerConfig", "apiPort"), (MAIN, "cluster.controlPlane.localAPIServerPort")) or _API_PORT
    return Identity(
        hostname=hostname,
        nodename=nodename or nodename_of(hostname, full=full),
        machine_type=machine_type,
        api_server_port=port if machine_type is not MachineType.WORKER else None,
    )


def _setting(config: MachineConfig, *places: tuple[str, str]) -> Any:
    """What the first document says that says something; None if none does."""
    values = (config.get(path, kind=kind) for kind, path in places)
    return next((value for value in values if value is not None), None)


def operating_system() -> str:
    """The name and version of the host's operating system."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
