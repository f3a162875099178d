"""The agent: one host as a KubeSpan node, from start to stop."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import attrs

from talos_resources.agent.describe import check, describe, filters_of, identity_of, operating_system
from talos_resources.agent.device import HostDevice
from talos_resources.agent.facts import FactTeller
from talos_resources.agent.keeper import NetworkKeeper
from talos_resources.agent.lock import lock
from talos_resources.agent.merge import merge_controllers
from talos_resources.agent.network import NetworkController
from talos_resources.agent.plan import HostNetwork
from talos_resources.agent.publish import Publisher
from talos_resources.agent.statuses import publish_statuses
from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.controller import DiscoveryServiceController, make_client
from talos_resources.kubespan.constants import LINK_NAME
from talos_resources.kubespan.controllers import (
    AffiliateMergeController,
    EndpointController,
    IdentityController,
    LocalAffiliateController,
    MemberController,
    PeerSpecController,
)
from talos_resources.kubespan.identity import load_identity
from talos_resources.kubespan.manager_controller import ManagerController
from talos_resources.kubespan.network_specs import SPEC_NAMESPACE
from talos_resources.kubespan.node_id import load_node_id
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.rpc.pki.private_file import folder_for_files
from talos_resources.runtime.controller import Controller
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime

HISTORY: Final = 10_000

log: Final = logging.getLogger("talos_resources.agent")


@attrs.frozen(kw_only=True)
class Settings:
    """What the agent is told.

    Attributes:
        config: the machine configuration: cluster id and secret, KubeSpan, discovery, machine type.
        state_dir: keeps the identities across restarts.
        nodename: in Kubernetes; None to make it of the host's name.
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
        check(settings.config)
        self._settings = settings
        self._who = identity_of(settings.config, settings.nodename)
        self.state = MemoryState(capacity=HISTORY, gap=0)
        self._to = Publisher(self.state)
        self._facts = FactTeller(self._to, filters_of(settings.config), nodename=self._who.nodename)
        self._clock = RealTime()
        self._device = HostDevice(settings.link)
        self._keeper = NetworkKeeper(self._device, on_seen=self._seen, on_device=self._device_changed)
        # What is wanted of the chains stands beside the other wishes: where Talos shows it, the agent shows what there is.
        self._manager = ManagerController(self._device, chains_in=SPEC_NAMESPACE, away_is_unknown=True)
        self._discovery = DiscoveryServiceController(lambda found, on_change: make_client(found, on_change, ca=settings.discovery_ca))
        self._runtime: Runtime | None = None
        self._locks = ExitStack()

    def start(self) -> None:
        """Makes the host a node: takes away what a former run has left, then begins.

        Raises:
            ConfigError: another agent is at work on the link or in the state directory.
            OSError: the state directory cannot be written, or the host's tools fail.
        """
        settings = self._settings
        with folder_for_files(settings.state_dir, mode=0o700), lock(settings.link, settings.state_dir) as locks:
            self._begin()
            self._locks = locks.pop_all()

    def _begin(self) -> None:
        settings = self._settings
        describe(self._to, settings.config, node_id=load_node_id(settings.state_dir))
        self._facts.tell_identity(self._who)
        self._runtime = Runtime(self.state, self._controllers(), self._clock)
        self._keeper.start()
        self._runtime.start()
        self._clock.start()

    def stop(self) -> None:
        """Leaves the mesh, and takes link, routes, rules and chains away; twice is no error."""
        runtime, self._runtime = self._runtime, None
        if runtime is None:
            return
        self._discovery.leave()
        self._clock.stop()  # first: no controller is at work when it has to let go
        runtime.stop()
        self._keeper.stop()
        self._locks.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _controllers(self) -> list[Controller]:
        return [
            IdentityController(lambda: load_identity(self._settings.state_dir)),
            LocalAffiliateController(operating_system()),
            self._discovery,
            AffiliateMergeController(),
            MemberController(),
            PeerSpecController(),
            EndpointController(),
            self._manager,
            *merge_controllers(),
            NetworkController(self._keeper.want, link=self._settings.link),
        ]

    def _seen(self, network: HostNetwork) -> None:
        """Shows and announces what the host has now; by the keeper's thread."""
        publish_statuses(self._to, network, self._device.config(), self._settings.link, self._keeper.kept_chains(network))
        if network.links is not None and network.addresses is not None:
            self._facts.tell_addresses(network.links, network.addresses)

    def _device_changed(self) -> None:
        """Has the peers looked at anew; by the keeper's thread."""
        if self._runtime is not None:
            self._runtime.wake(self._manager.name)
