"""Machine configurations of simulated nodes: what they begin with, and how they act on another one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Final, TypeVar

from talos_resources.kubespan.config import discovery_config, kubespan_config
from talos_resources.kubespan.constants import DEFAULT_MTU
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.settings import Settings
from talos_resources.machineconfig.taken import ACTIVE, Cancel, ConfiguredNode, store
from talos_resources.model.errors import ConfigError, NotFoundError
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import Feature, Release, release_of
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.apply import Applied, ApplyRequest, TakesConfiguration
from talos_resources.rpc.pki import CertificateAndKey, new_authority
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import SimulatedNode
from talos_resources.state.contract import State

T = TypeVar("T")
Do = Callable[[Callable[[], T]], T]
"""Calls something between two steps of a simulation, and raises what it raises."""

_TOKEN: Final = "simula.ted0123456789abc"  # noqa: S105  # of a machine that is not there


def configuration_of(node: SimulatedNode) -> str:
    """The machine configuration that says what the settings of a node say, in the form of its release; valid."""
    release = release_of(node.settings.version)
    settings = node.settings
    wanted = KubeSpanSettings(
        enabled=settings.kubespan,
        mtu=None if settings.mtu == DEFAULT_MTU else settings.mtu,
        filters=settings.endpoint_filters or (),
        extra_endpoints=tuple(map(str, settings.extra_endpoints)),
        advertise_kubernetes_networks=settings.advertise_pods or None,
        allow_down_peer_bypass=True if not settings.force_routing else None,
        harvest_extra_endpoints=settings.harvest or None,
    )
    base = MachineConfig.load(_base(node, release), release=release)
    patch = parse_patch(kubespan_patch(wanted, contract=release.contract), release=release)
    return patch_config(base, [patch])[0].text()


def _base(node: SimulatedNode, release: Release) -> str:
    """A configuration without KubeSpan."""
    from talos_resources.codec.goyaml.emit import dump

    role = "controlplane" if node.settings.control_plane else "worker"
    authority = _authority()
    key = base64.b64encode(authority.key).decode() if node.settings.control_plane else ""
    ca = {"crt": base64.b64encode(authority.crt).decode(), "key": key}
    identity = node.identity
    main = {
        "version": "v1alpha1",
        "machine": {"type": role, "token": _TOKEN, "ca": ca},
        "cluster": {
            "controlPlane": {"endpoint": "https://127.0.0.1:6443"},
            "clusterName": identity.cluster_name,
            "token": _TOKEN,
            "network": {"podSubnets": ["10.244.0.0/16"], "serviceSubnets": ["10.96.0.0/12"]},
        },
    }
    if not release.contract.has(Feature.DOCUMENTS):
        main["cluster"] |= {  # type: ignore[operator]  # it is a mapping
            "id": identity.cluster_id,
            "secret": identity.secret,
            "discovery": {"enabled": node.settings.discovery},
        }
        return dump(main)
    known = {"kind": "DiscoveryIdentityConfig", "clusterID": identity.cluster_id, "clusterSecret": identity.secret}
    service = {"kind": "DiscoveryServiceConfig", "name": "default", "endpoint": "https://discovery.talos.dev/"}
    documents = [known, *([service] if node.settings.discovery else [])]
    return "---\n".join([dump(main), *(dump({"apiVersion": "v1alpha1", **document}) for document in documents)])


@cache
def _authority() -> CertificateAndKey:
    """That of every simulated cluster of this process."""
    return new_authority("talos", now=datetime.now(UTC))


class _SimulatedMachine:
    """Takes configurations for a simulated node, between two steps of the simulation."""

    def __init__(self, node: SimulatedNode, do: Do[Applied], later: Callable[[float, Callable[[], None]], Cancel]) -> None:
        self._node = node
        self._do = do
        self._taken = ConfiguredNode(node.state, talos_version=node.settings.version, act=self._act, later=later)

    def apply(self, request: ApplyRequest) -> Applied:
        """See `TakesConfiguration`."""
        return self._do(lambda: self._taken.apply(request))

    def _act(self, config: MachineConfig) -> None:
        take(self._node, config)


def take(node: SimulatedNode, config: MachineConfig) -> None:
    """Makes a simulated node do what a configuration says of KubeSpan and discovery.

    Raises:
        ConfigError: it would take the node into another cluster, which is not simulated.
    """
    rules = config.release.kubespan
    kubespan = kubespan_config(config.documents, rules)
    discovery = discovery_config(config.documents, rules)
    settings = Settings.of(config)
    if (settings.cluster_id, settings.cluster_secret) != (node.identity.cluster_id, node.identity.secret):
        raise ConfigError("a simulated node stays in its cluster: leave the id and the secret of the cluster as they are")
    on = kubespan is not None and kubespan.enabled
    node.set_config(
        kubespan=on,
        discovery=discovery is not None and bool(discovery.services),
        **(
            {}
            if kubespan is None
            else {
                "advertise_pods": kubespan.advertise_kubernetes_networks,
                "mtu": kubespan.mtu,
                "endpoint_filters": kubespan.endpoint_filters,
                "excluded": kubespan.exclude_advertised_networks,
                "extra_endpoints": tuple(endpoint for endpoint in kubespan.extra_endpoints if endpoint is not None),
                "harvest": kubespan.harvest_extra_endpoints,
                "force_routing": kubespan.force_routing,
            }
        ),
    )


def machines(cluster: SimulatedCluster, do: Do[Applied] | None = None) -> Callable[[State], TakesConfiguration]:
    """What makes of the state of a simulated node the one that takes configurations for it.

    A node that has none yet gets the one that says what its settings say.

    Args:
        cluster: whose nodes.
        do: lets a change happen between two steps; None for a simulation that only the caller drives.
    """

    def at_once(call: Callable[[], Applied]) -> Applied:
        result = call()
        cluster.clock.settle()
        return result

    def later(seconds: float, call: Callable[[], None]) -> Cancel:
        return cluster.clock.at(Timestamp(cluster.clock.now() + round(seconds * 1e9)), call).cancel

    def machine(state: State) -> TakesConfiguration:
        node = next(node for node in cluster.nodes.values() if node.state is state)
        try:
            state.get(Stored, ACTIVE)
        except NotFoundError:
            store(state, configuration_of(node))
        return _SimulatedMachine(node, at_once if do is None else do, later)

    return machine
