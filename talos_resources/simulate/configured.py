"""Machine configurations of simulated nodes: what they begin with, and how they act on another one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Final, TypeVar

from talos_resources.kubespan.config import discovery_config, kubespan_config
from talos_resources.kubespan.constants import DEFAULT_MTU
from talos_resources.machineconfig.configured_node import ACTIVE, Cancel, ConfiguredNode, store
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.settings import Settings
from talos_resources.model.errors import ConfigError, NotFoundError
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import Feature, Release, release_of
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.apply import Applied, ApplyMode, ApplyRequest, TakesConfiguration
from talos_resources.rpc.pki import CertificateAndKey, new_authority
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import Disk
from talos_resources.state.contract import State

T = TypeVar("T")
Do = Callable[[Callable[[], T]], T]
"""Calls something between two steps of a simulation, and raises what it raises."""

BOOT_S: Final = 60.0
"""How long a node is away that reboots for a configuration."""

_ANSWER_S: Final = 1.0
"""When it goes down: whoever asked gets an answer."""

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
    return _with_kubespan(_base(node, release), wanted, node.settings.version)


@lru_cache(maxsize=64)
def _with_kubespan(base: str, wanted: KubeSpanSettings, version: str) -> str:
    """Most nodes of a cluster have the same one; it takes longer to make than all else that a node is first asked."""
    release = release_of(version)
    patch = parse_patch(kubespan_patch(wanted, contract=release.contract), release=release)
    return patch_config(MachineConfig.load(base, release=release), [patch])[0].text()


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
    """Takes configurations for a simulated node, from one boot to the next, between two steps of the simulation."""

    def __init__(self, cluster: SimulatedCluster, node: SimulatedNode, disk: Disk, do: Do[Applied], on_note: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._node = node
        self._disk = disk
        self._do = do
        self._on_note = on_note
        self._state = node.state
        self._taken = ConfiguredNode(
            node.state,
            talos_version=node.settings.version,
            act=partial(take, node),
            agree=partial(check_cluster, node),
            reboot=self._reboot,
            later=self._later,
        )

    def apply(self, request: ApplyRequest) -> Applied:
        """See `TakesConfiguration`."""
        return self._do(lambda: self._apply(request))

    def _apply(self, request: ApplyRequest) -> Applied:
        applied = self._taken.apply(request)
        if request.dry_run:
            return applied
        text = request.text.decode()
        if request.mode is not ApplyMode.TRY:  # a trial does not outlive the boot
            self._disk.text = text
        if not request.mode.waits_for_boot:
            self._disk.done = text
        return applied

    def _later(self, seconds: float, call: Callable[[], None]) -> Cancel:
        def unless_it_has_booted() -> None:
            if self._node.state is self._state and self._node.host.online:
                call()
                self._disk.done = self._state.get(Stored, ACTIVE).spec.text

        return self._in(seconds, unless_it_has_booted)

    def _reboot(self) -> None:
        node, network = self._node, self._cluster.network
        name = node.settings.name

        def down() -> None:
            if node.state is self._state and node.host.online:
                network.change(node.stop)
                self._on_note(f"{name} reboots")
                self._in(BOOT_S, up)

        def up() -> None:
            if not node.host.online:  # nobody has switched it on meanwhile
                network.change(node.start)

        self._in(_ANSWER_S, down)

    def _in(self, seconds: float, call: Callable[[], None]) -> Cancel:
        clock = self._cluster.clock
        return clock.at(Timestamp(clock.now() + round(seconds * 1e9)), call).cancel


def check_cluster(node: SimulatedNode, config: MachineConfig) -> None:
    """Refuses what a simulated node cannot act on.

    Raises:
        ConfigError: it would take the node into another cluster, which is not simulated.
    """
    settings = Settings.of(config)
    if (settings.cluster_id, settings.cluster_secret) != (node.identity.cluster_id, node.identity.secret):
        raise ConfigError("a simulated node stays in its cluster: leave the id and the secret of the cluster as they are")


def take(node: SimulatedNode, config: MachineConfig) -> None:
    """Makes a simulated node do what a configuration says of KubeSpan and discovery."""
    rules = config.release.kubespan
    kubespan = kubespan_config(config.documents, rules)
    discovery = discovery_config(config.documents, rules)
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


def machines(
    cluster: SimulatedCluster, do: Do[Applied] | None = None, *, on_note: Callable[[str], None] = lambda _text: None
) -> Callable[[State], TakesConfiguration]:
    """What makes of the state of a simulated node the one that takes configurations for it.

    A node that has none yet gets the one that says what its settings say. What it was given it has again when it is
    switched on anew, and takes up what was staged.

    Args:
        cluster: whose nodes.
        do: lets a change happen between two steps; None for a simulation that only the caller drives.
        on_note: told of nodes that reboot for a configuration.
    """

    def at_once(call: Callable[[], Applied]) -> Applied:
        result = call()
        cluster.clock.settle()
        return result

    def machine(state: State) -> TakesConfiguration:
        node = next((node for node in cluster.nodes.values() if node.state is state), None)
        if node is None:
            raise ConfigError("the node has just been switched off or on; ask again")
        try:
            text = state.get(Stored, ACTIVE).spec.text
        except NotFoundError:
            text = configuration_of(node)
            store(state, text)
        disk = node.disk
        if disk is None:
            disk = node.disk = Disk(text, text)
        return _SimulatedMachine(cluster, node, disk, at_once if do is None else do, on_note)

    for node in cluster.nodes.values():
        node.on_boot = partial(_boot, node)
    return machine


def _boot(node: SimulatedNode) -> None:
    """A node that was given a configuration takes up what is on its disk."""
    disk = node.disk
    if disk is None:
        return
    if disk.done != disk.text:
        take(node, MachineConfig.load(disk.text, release=release_of(node.settings.version)))
        disk.done = disk.text
    store(node.state, disk.text)
