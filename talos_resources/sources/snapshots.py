"""What the nodes of a cluster hold, read for `insight`: what cannot be read is named, the rest counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.insight.mesh import Mesh, build
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.kubespan import host
from talos_resources.kubespan.constants import LINK_NAME
from talos_resources.kubespan.network import Chain
from talos_resources.kubespan.network_specs import CHAINS
from talos_resources.kubespan.network_statuses import LINK_STATUSES
from talos_resources.kubespan.rendered import RenderedSpec
from talos_resources.model.errors import DecodeError, TalosResourcesError
from talos_resources.model.kind import kind_of, untyped
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.sent import spec_at_hand
from talos_resources.resources import (
    Affiliate,
    ClusterIdentity,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanEndpoint,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    Member,
)
from talos_resources.sources.parallel import Nodes, Track, each
from talos_resources.sources.reading import Reader, plain_spec
from talos_resources.sources.surroundings import surroundings
from talos_resources.state.contract import State

CNI_MANIFESTS: Final = untyped("Manifests.kubernetes.talos.dev", "controlplane")
_CARRIERS: Final = frozenset({"", "bond", "vlan", "bridge"})
"""Kinds of links that may carry the mesh; tunnels and the CNI's own links do not."""
_OF_CONTAINERS: Final = frozenset({"veth", "macvlan", "ipvlan"})
"""Kinds that carry it where they hold the node's addresses, as in a container; else they are the CNI's own."""
_CNI_SIGNS: Final = {"cilium": "Cilium", "calico": "Calico", "cali": "Calico", "flannel": "flannel"}
"""What the names of links or manifests hold → the CNI."""


def view_of(state: State, node: str, *, full: bool = False) -> NodeView:
    """What a node holds.

    Args:
        state: of the node.
        node: the name under which it is asked.
        full: everything that `doctor` looks at, not just what makes the mesh.

    Raises:
        TalosResourcesError: the node does not answer, or holds nothing of KubeSpan because it must not be read.
    """
    reader = Reader(state)
    statuses = reader.list(KubeSpanPeerStatus)
    refused = reader.unreadable.get(kind_of(KubeSpanPeerStatus).type)
    if refused is not None:
        raise TalosResourcesError(f"its KubeSpan peers cannot be read: {refused}")
    identity = reader.one(KubeSpanIdentity, "local")
    cluster = reader.one(ClusterIdentity, "local")
    nodenames = reader.plain(host.NODENAMES)
    view = NodeView(
        node=node,
        public_key=(identity.public_key or None) if identity is not None else None,
        node_id=(cluster.node_id or None) if cluster is not None else None,
        nodename=nodenames.get(host.NODENAME) or None,
        statuses=statuses,
        specs=reader.list(KubeSpanPeerSpec),
        affiliates=_whole(reader, reader.list(Affiliate)),
        members=reader.list(Member),
        unreadable=reader.unreadable,
        hidden=reader.hidden,
    )
    return _with_settings(view, reader) if full else view


def _whole(reader: Reader, affiliates: Sequence[Resource[Affiliate]]) -> Sequence[Resource[Affiliate]]:
    """Without one that is cut short, as at the end of a file that is not complete: then others are missing too."""
    whole = [affiliate for affiliate in affiliates if not _is_cut_short(affiliate.spec)]
    if len(whole) == len(affiliates):
        return affiliates
    reader.unreadable[kind_of(Affiliate).type] = "it is cut short"
    return whole


def _is_cut_short(affiliate: Affiliate) -> bool:
    kubespan = affiliate.kubespan
    return kubespan is not None and bool(kubespan.public_key) and kubespan.address is None and not kubespan.endpoints


def _with_settings(view: NodeView, reader: Reader) -> NodeView:
    config, discovery = reader.one(KubeSpanConfig, "kubespan"), reader.one(DiscoveryConfig, "cluster")
    links = {name: link for name, link in reader.plain(LINK_STATUSES).items() if isinstance(link, Mapping)}
    tunnel = links.get(LINK_NAME, {}).get("mtu")
    addresses = reader.plain(host.NODE_ADDRESSES)
    carriers = _carriers(reader, addresses.get(host.CURRENT_WITHOUT_KUBERNETES, ())) if links else set()
    chains = _chains(reader)
    return attrs.evolve(
        view,
        endpoints=reader.list(KubeSpanEndpoint),
        config=None if config is None else attrs.evolve(config, shared_secret=""),
        discovery=None if discovery is None else attrs.evolve(discovery, service_encryption_key=b""),
        addresses=addresses,
        chains=chains,
        links={name: link["mtu"] for name, link in links.items() if _carries(name, link, carriers)},
        tunnel_mtu=tunnel if isinstance(tunnel, int) else None,
        cni=_cni(reader, links),
        **surroundings(reader, view, config, discovery, links),
        unreadable=reader.unreadable,
    )


def _carriers(reader: Reader, own: Sequence[IPPrefix]) -> set[str]:
    """The links that hold the node's own addresses: a link for storage alone may have an MTU of its own."""
    wanted = {str(prefix.address) for prefix in own}
    held = [status for status in reader.plain(host.PUBLIC_ADDRESSES.kind).values() if isinstance(status, Mapping)]
    return {str(status.get("linkName")) for status in held if str(status.get("address", "")).partition("/")[0] in wanted}


def _carries(name: str, link: Mapping[str, Any], holders: Collection[str]) -> bool:
    kinds = _CARRIERS | _OF_CONTAINERS if name in holders else _CARRIERS
    return (
        link.get("type") == "ether"
        and str(link.get("kind", "")) in kinds
        and (not holders or name in holders)
        and not name.startswith(("cni", "cilium", "docker", "lxc"))
        and link.get("operationalState") in {"up", "unknown"}
        and isinstance(link.get("mtu"), int)
    )


def _cni(reader: Reader, links: Mapping[str, Any]) -> str | None:
    """The CNI as its manifests or its links show it."""
    signs = (*links, *(resource.id for resource in reader.list(CNI_MANIFESTS)))
    return next((name for sign in signs for part, name in _CNI_SIGNS.items() if part in sign.lower()), None)


def _chains(reader: Reader) -> dict[str, tuple[IPPrefix, ...]]:
    """KubeSpan's chains: what they send into the mesh."""
    found: dict[str, tuple[IPPrefix, ...]] = {}
    for resource in reader.list(CHAINS.kind):
        if not resource.id.startswith(LINK_NAME):
            continue
        spec = spec_at_hand(resource)
        if isinstance(spec, RenderedSpec):
            chain: Chain = spec.value
            found[resource.id] = next((rule.destinations for rule in chain.rules if rule.destinations is not None), ())
            continue
        try:
            rules = plain_spec(resource).get("rules") or ()
            sets = [rule["matchDestinationAddress"] for rule in rules if "matchDestinationAddress" in rule]
            found[resource.id] = tuple(IPPrefix.parse(text) for match in sets[:1] for text in match.get("includeSubnets", ()))
        except (DecodeError, ValueError, TypeError, AttributeError) as error:
            reader.unreadable[f"{resource.type}/{resource.id}"] = str(error)
    return found


def snapshot(cluster: Nodes, nodes: Sequence[str] = (), *, full: bool = False) -> Snapshot:
    """What some nodes of a cluster hold now, asked in parallel; those that do not answer are named.

    Args:
        cluster: any.
        nodes: their names; all nodes without any.
        full: see `view_of`.

    Raises:
        ConfigError: there is no such node.
        TalosResourcesError: not one node answered.
    """
    return snapshot_of(views(cluster, cluster.select(nodes) if nodes else cluster.nodes, full=full))


def views(cluster: Nodes, nodes: Sequence[str], *, full: bool = False, track: Track = iter) -> dict[str, NodeView | TalosResourcesError]:
    """What each node holds now, or why that is not known; see `snapshot`.

    Args:
        cluster: any.
        nodes: their names.
        full: see `view_of`.
        track: is given the answers as they come, and passes them on.
    """
    return dict(track(each(nodes, lambda node: view_of(cluster.state(node), node, full=full), cluster.at_once)))


def snapshot_of(answers: Mapping[str, NodeView | TalosResourcesError]) -> Snapshot:
    """A snapshot of what came back of each node.

    Raises:
        TalosResourcesError: not one node answered; the first error.
    """
    views = tuple(answer for answer in answers.values() if isinstance(answer, NodeView))
    errors = {node: answer.message for node, answer in answers.items() if isinstance(answer, TalosResourcesError)}
    if errors and not views:
        raise next(answer for answer in answers.values() if isinstance(answer, TalosResourcesError))
    return Snapshot(views=views, errors=errors)


def mesh_of(cluster: Nodes, nodes: Sequence[str] = ()) -> Mesh:
    """The mesh that the nodes describe; see `snapshot`."""
    return build(snapshot(cluster, nodes))
