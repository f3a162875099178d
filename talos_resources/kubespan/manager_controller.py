"""The manager and the controller that hands its link to a WireGuard device.

Source: Talos v1.14.0-rc.1, KubeSpan manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from talos_resources.kubespan import manager
from talos_resources.kubespan.constants import TICK_S
from talos_resources.kubespan.controllers import KUBESPAN, LOCAL
from talos_resources.kubespan.network import POLICY_RULES, Link
from talos_resources.kubespan.network_specs import (
    ADDRESS_SPECS,
    CHAINS,
    LINK_SPECS,
    POLICY_RULE_SPECS,
    ROUTE_SPECS,
    SPEC_NAMESPACE,
    address_id,
    link_id,
    policy_rule_id,
    route_id,
)
from talos_resources.kubespan.wireguard import PeerConfig, PeerReading, WireGuardDevice
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import NEWEST, KubeSpanRules
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output

_TICK: Final = TICK_S * 1_000_000_000
_RETURN: Final = 3_000_000_000
"""How long after the return of a device its peers are looked at again, in nanoseconds."""


class ManagerController(Controller):
    """Watches over the links to all peers and says what the host's network shall be.

    It passes over them at every change of its inputs and every 30 s from the first time that KubeSpan
    is on.
    """

    name = "kubespan.ManagerController"
    inputs = (
        Input(kind=KubeSpanConfig, id=KUBESPAN),
        Input(kind=KubeSpanPeerSpec),
        Input(kind=KubeSpanIdentity, id=LOCAL),
    )
    outputs = (
        Output(kind=KubeSpanPeerStatus),
        Output(kind=LINK_SPECS.kind, namespace=SPEC_NAMESPACE, shared=True),
        Output(kind=ADDRESS_SPECS.kind, namespace=SPEC_NAMESPACE, shared=True),
        Output(kind=ROUTE_SPECS.kind, namespace=SPEC_NAMESPACE, shared=True),
        Output(kind=POLICY_RULE_SPECS.kind, namespace=SPEC_NAMESPACE, shared=True),
        Output(kind=CHAINS.kind, shared=True),
        Output(kind=CHAINS.kind, namespace=SPEC_NAMESPACE, shared=True),
    )

    def __init__(
        self,
        device: WireGuardDevice,
        *,
        memo: PeerConfigs | None = None,
        chains_in: str = CHAINS.kind.namespace,
        away_is_unknown: bool = False,
        rules: KubeSpanRules = NEWEST.kubespan,
    ) -> None:
        """Nothing is read yet.

        Args:
            device: to read.
            memo: the peer configurations that are made already.
            chains_in: the namespace of the packet chains.
            away_is_unknown: while the device is away the peers' state is unknown; Talos leaves it as it was.
            rules: of the release of Talos.
        """
        self._device = device
        self._rules = rules
        self._chains_in = chains_in
        self._away_is_unknown = self._was_away = away_is_unknown
        self._configs = PeerConfigs() if memo is None else memo
        self._filtered: tuple[tuple[IPPrefix, ...], tuple[IPPrefix, ...]] = ((), ())
        self._endpoints: dict[str, AddrPort | None] = {}
        self._next_tick: Timestamp | None = None

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        config = context.get(KubeSpanConfig, KUBESPAN)
        if config is None or not config.spec.enabled:
            self._clean_up(context)
            return
        context.wake_at(self._tick(context.now))
        identity = context.get(KubeSpanIdentity, LOCAL)
        if identity is None:
            return
        peers = {resource.id: resource.spec for resource in context.list(KubeSpanPeerSpec)}
        statuses = {resource.id: resource.spec for resource in context.list(KubeSpanPeerStatus)}
        device = self._device.read()
        if self._away_is_unknown:
            statuses = self._mind_return(context, statuses, device)
        plan = manager.plan(
            config.spec,
            peers,
            statuses,
            device,
            now=context.now,
            changed=context.changed,
            filter_of=self._filter,
        )
        after = plan.statuses
        if device is None and self._away_is_unknown:
            after = {key: attrs.evolve(status, state=PeerState.UNKNOWN) for key, status in after.items()}
        context.replace(KubeSpanPeerStatus, after)
        for chain in plan.chains:
            context.put(CHAINS.kind, chain.name, CHAINS.spec(chain), namespace=self._chains_in)
        # Without a change of the inputs the link depends on the endpoints alone.
        if plan.rewrite_link and (context.changed or plan.endpoints != self._endpoints):
            self._endpoints = plan.endpoints
            self._write_link(context, config.spec, identity.spec, peers, plan.endpoints)

    def _mind_return(
        self, context: Context, statuses: dict[str, KubeSpanPeerStatus], device: Mapping[str, PeerReading] | None
    ) -> dict[str, KubeSpanPeerStatus]:
        """When the device comes back peers are looked at soon, and those that begin anew there begin anew here too.

        A device that was away between two looks is known by what it has forgotten.
        """
        was_away, self._was_away = self._was_away, device is None
        if device is None:
            return statuses
        fresh = {key for key, reading in device.items() if reading.last_handshake_time.is_zero}
        new = {key for key, status in statuses.items() if key in fresh and (was_away or not status.last_handshake_time.is_zero)}
        if was_away or new:
            self._next_tick = Timestamp(context.now + _RETURN)
            context.wake_at(self._next_tick)
        return {key: attrs.evolve(status, last_endpoint_change=context.now) if key in new else status for key, status in statuses.items()}

    def _tick(self, now: Timestamp) -> Timestamp:
        """The next time of the 30 s rhythm, which begins with the first call."""
        if self._next_tick is None or self._next_tick > now + _TICK:  # the clock was set back
            self._next_tick = Timestamp(now + _TICK)
        elif self._next_tick <= now:
            self._next_tick = Timestamp(now + _TICK - (now - self._next_tick) % _TICK)
        return self._next_tick

    def _filter(self, networks: tuple[IPPrefix, ...]) -> tuple[IPPrefix, ...]:
        known, sets = self._filtered
        if len(known) != len(networks) or any(a is not b for a, b in zip(known, networks, strict=True)):
            sets = manager.filtered(networks, self._rules)
            self._filtered = (networks, sets)
        return sets

    def _write_link(
        self,
        context: Context,
        config: KubeSpanConfig,
        identity: KubeSpanIdentity,
        peers: Mapping[str, KubeSpanPeerSpec],
        endpoints: Mapping[str, AddrPort | None],
    ) -> None:
        address = manager.address(identity)
        if address is not None:
            context.put(ADDRESS_SPECS.kind, address_id(address), ADDRESS_SPECS.spec(address), namespace=SPEC_NAMESPACE)
        for route in manager.routes(config):
            context.put(ROUTE_SPECS.kind, route_id(route), ROUTE_SPECS.spec(route), namespace=SPEC_NAMESPACE)
        for rule in POLICY_RULES:
            context.put(POLICY_RULE_SPECS.kind, policy_rule_id(rule), POLICY_RULE_SPECS.spec(rule), namespace=SPEC_NAMESPACE)
        link = manager.link(config, identity, peers, endpoints, config_of=self._configs.of)
        context.put(LINK_SPECS.kind, link_id(link), LINK_SPECS.spec(link), namespace=SPEC_NAMESPACE)

    def _clean_up(self, context: Context) -> None:
        self._next_tick = None
        context.wake_at(None)
        for kind in (LINK_SPECS.kind, ADDRESS_SPECS.kind, ROUTE_SPECS.kind, POLICY_RULE_SPECS.kind):
            context.replace(kind, {}, namespace=SPEC_NAMESPACE)
        context.replace(CHAINS.kind, {}, namespace=self._chains_in)
        context.replace(KubeSpanPeerStatus, {})


class PeerConfigs:
    """The last configuration of each peer spec, by its identity; the nodes of a simulation share them."""

    __slots__ = ("_made",)

    _LIMIT: Final = 1 << 16

    def __init__(self) -> None:
        self._made: dict[int, tuple[KubeSpanPeerSpec, PeerConfig]] = {}

    def of(self, key: str, secret: str, endpoint: AddrPort | None, peer: KubeSpanPeerSpec) -> PeerConfig:
        """The configuration of a peer."""
        known = self._made.get(id(peer))
        if known is not None:
            made = known[1]
            same = made.endpoint is endpoint or made.endpoint == endpoint
            if same and made.preshared_key == secret and made.public_key == key:
                return made
        if len(self._made) >= self._LIMIT:
            self._made.clear()
        made = manager.peer_config(key, secret, endpoint, peer)
        self._made[id(peer)] = (peer, made)
        return made


class DeviceController(Controller):
    """Makes a WireGuard device what the KubeSpan link spec says, and takes it away with it."""

    name = "network.LinkSpecController"
    inputs = (Input(kind=LINK_SPECS.kind, namespace=SPEC_NAMESPACE, id="operator/kubespan"),)

    def __init__(self, device: WireGuardDevice) -> None:
        """Takes the device."""
        self._device = device
        self._applied: Link | None = None

    def reconcile(self, context: Context) -> None:
        """See `Controller`."""
        resource = context.get(LINK_SPECS.kind, "operator/kubespan", namespace=SPEC_NAMESPACE)
        if resource is None:
            self._applied = None
            self._device.remove()
            return
        wanted = LINK_SPECS.value(resource)
        if wanted is not self._applied:
            self._device.configure(wanted.device)
            self._applied = wanted

    def release(self) -> None:
        """Forgets what was applied; the device itself, with its sessions, belongs to who made it."""
        self._applied = None
