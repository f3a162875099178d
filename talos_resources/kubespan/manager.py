"""The manager's pass: from peers, device and clock to statuses and what the host's network shall be.

`plan` is the whole decision, without a clock or a device of its own. Source: Talos v1.14.0-rc.1, KubeSpan manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from talos_resources.kubespan.constants import MARK_ENCRYPTED, MARK_MASK
from talos_resources.kubespan.network import Address, Chain, ChainRule, DefaultRoute, Link, MarkMatch, SetMark
from talos_resources.kubespan.peer_state import next_endpoint, observed, peer_state, should_change_endpoint, with_endpoint
from talos_resources.kubespan.prefixes import minimal_cover
from talos_resources.kubespan.ula import is_ula
from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig, PeerReading
from talos_resources.model.net import AddrPort, IPPrefix, address_key
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import NEWEST, KubeSpanRules
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.identity import KubeSpanIdentity
from talos_resources.resources.kubespan.peer_spec import KubeSpanPeerSpec
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState

_MTU_WIDTH: Final = 1 << 16
_IS_ENCRYPTED: Final = ChainRule(mark=MarkMatch(mask=MARK_MASK, value=MARK_ENCRYPTED), accept=True)
_IS_LOCAL: Final = ChainRule(out_interface="lo", accept=True)

FilterOf = Callable[[tuple[IPPrefix, ...]], tuple[IPPrefix, ...]]


def filtered(networks: Iterable[IPPrefix], rules: KubeSpanRules = NEWEST.kubespan) -> tuple[IPPrefix, ...]:
    """The sets of the packet filter: what it sends into the mesh, of all that is routed there; minimal.

    From Talos v1.13 on without every network whose address is a KubeSpan address of any cluster: also the
    pod network `fd00:10:244:2::/64` is left out, but not `fd00::/8`.

    Args:
        networks: the allowed IPs of the peers that are routed.
        rules: of the release of Talos that the node runs.
    """
    if rules.filter_has_kubespan_addresses:
        return minimal_cover(networks)
    return minimal_cover(prefix for prefix in networks if not is_ula(prefix.address))


@attrs.frozen(kw_only=True)
class Plan:
    """What one pass wants.

    Attributes:
        statuses: of every peer by public key; others go away.
        endpoints: what the link shall send to, by public key; None where the device knows better.
        chains: the packet chains.
        rewrite_link: whether link, address and routes are to be written too: in a pass after a
            change, or when an endpoint was set, anew or again. Where all peers have roamed the link keeps
            the endpoints that it had.
    """

    statuses: dict[str, KubeSpanPeerStatus]
    endpoints: dict[str, AddrPort | None]
    chains: tuple[Chain, ...]
    rewrite_link: bool


def plan(
    config: KubeSpanConfig,
    peers: Mapping[str, KubeSpanPeerSpec],
    statuses: Mapping[str, KubeSpanPeerStatus],
    device: Mapping[str, PeerReading] | None,
    *,
    now: Timestamp,
    changed: bool,
    filter_of: FilterOf = filtered,
) -> Plan:
    """One pass over all peers; linear in their number.

    Args:
        config: enabled.
        peers: the peer specs by public key.
        statuses: of the last pass.
        device: what the device says of each peer it has; None if it is not there.
        now: given, so that tests and simulations own the clock.
        changed: the pass is due to a changed resource, not to the clock.
        filter_of: the sets of the packet filter; given, so that a caller may remember the last ones.
    """
    after: dict[str, KubeSpanPeerStatus] = {}
    endpoints: dict[str, AddrPort | None] = {}
    rewrite = changed
    for key, peer in peers.items():
        status, chosen, was_set = advance(key, peer, statuses.get(key), device, now=now)
        after[key], endpoints[key] = status, chosen
        rewrite = rewrite or was_set
    routed = peers if config.force_routing else {key: peer for key, peer in peers.items() if after[key].state is PeerState.UP}
    networks = tuple(prefix for peer in routed.values() for prefix in peer.allowed_ips if prefix is not None)
    return Plan(
        statuses=after,
        endpoints=endpoints,
        chains=chains(filter_of(networks), mtu=config.mtu),
        rewrite_link=rewrite,
    )


def advance(
    key: str,
    peer: KubeSpanPeerSpec,
    status: KubeSpanPeerStatus | None,
    device: Mapping[str, PeerReading] | None,
    *,
    now: Timestamp,
) -> tuple[KubeSpanPeerStatus, AddrPort | None, bool]:
    """One peer's next status, the endpoint for the link, and whether an endpoint was set in this pass, anew or again.

    The link gets the endpoint that KubeSpan chose until the peer was seen elsewhere (it roamed): then
    the device knows better and the endpoint stays out of the link's configuration.
    """
    fresh = KubeSpanPeerStatus(label=peer.label) if status is None else status
    reading = None if device is None else device.get(key)
    if reading is not None:
        fresh = observed(fresh, reading, now=now)
    elif (state := peer_state(fresh, now=now)) is not fresh.state:
        fresh = attrs.evolve(fresh, state=state)
    if should_change_endpoint(fresh) and (chosen := next_endpoint(fresh, peer.endpoints)) is not None:
        fresh = with_endpoint(fresh, chosen, now=now)
    used = fresh.last_used_endpoint
    seen = fresh.endpoint
    if used is None or (seen is not None and seen is not used and seen != used):
        return fresh, None, False
    if seen is None:
        fresh = attrs.evolve(fresh, endpoint=used)
    return fresh, used, True


def chains(destinations: tuple[IPPrefix, ...], *, mtu: int) -> tuple[Chain, ...]:
    """The packet chains that send what is bound for peers into the mesh.

    Args:
        destinations: the networks of the peers, minimal.
        mtu: of the link; TCP segments are clamped to its low 16 bits, as Talos has it.
    """
    into_mesh = ChainRule(destinations=destinations, set_mark=SetMark(), accept=True)
    clamp = ChainRule(destinations=destinations, clamp_mss_to_mtu=mtu % _MTU_WIDTH)
    return (
        Chain(name="kubespan_outgoing", type="route", hook="output", rules=(_IS_ENCRYPTED, _IS_LOCAL, clamp, into_mesh)),
        Chain(name="kubespan_prerouting", type="filter", hook="prerouting", rules=(_IS_ENCRYPTED, into_mesh)),
    )


def peer_config(public_key: str, secret: str, endpoint: AddrPort | None, peer: KubeSpanPeerSpec) -> PeerConfig:
    """A peer of the link; its networks are sorted but not merged."""
    networks = [prefix for prefix in peer.allowed_ips if prefix is not None]
    return PeerConfig(
        public_key=public_key,
        preshared_key=secret,
        endpoint=endpoint,
        allowed_ips=tuple(sorted(networks, key=_prefix_key)),
    )


ConfigOf = Callable[[str, str, AddrPort | None, KubeSpanPeerSpec], PeerConfig]


def link(
    config: KubeSpanConfig,
    identity: KubeSpanIdentity,
    peers: Mapping[str, KubeSpanPeerSpec],
    endpoints: Mapping[str, AddrPort | None],
    *,
    config_of: ConfigOf = peer_config,
) -> Link:
    """The WireGuard link with all peers.

    Args:
        config: enabled.
        identity: the node's key pair.
        peers: peer specs by public key.
        endpoints: by public key, from `Plan.endpoints`.
        config_of: makes the configuration of a peer; given, so that a caller may remember those it made.
    """
    secret = config.shared_secret
    configs = (config_of(key, secret, endpoints.get(key), peers[key]) for key in sorted(peers))
    return Link(mtu=config.mtu, device=DeviceConfig(private_key=identity.private_key, peers=tuple(configs)))


def _prefix_key(prefix: IPPrefix) -> tuple[tuple[int, int, str], int]:
    return address_key(prefix.address), -1 if prefix.length is None else prefix.length


def address(identity: KubeSpanIdentity) -> Address | None:
    """The node's address on the link; None while the identity has none."""
    if identity.address is None or identity.subnet is None:
        return None
    return Address(address=IPPrefix(identity.address.address, identity.subnet.length), own=identity.address)


def routes(config: KubeSpanConfig) -> tuple[DefaultRoute, ...]:
    """The default routes of the mesh's own routing table."""
    return DefaultRoute(version=4, mtu=config.mtu), DefaultRoute(version=6, mtu=config.mtu)
