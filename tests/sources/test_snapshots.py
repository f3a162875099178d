"""What is read of a node: the links that carry the mesh, the CNI, and what may not be read."""

from __future__ import annotations

from talos_resources import MemoryState, Resource, UntypedSpec
from talos_resources.kubespan import host
from talos_resources.kubespan.network_statuses import LINK_STATUSES
from talos_resources.model.kind import untyped
from talos_resources.model.net import IPPrefix
from talos_resources.sources.snapshots import view_of

ADDRESSES = untyped("AddressStatuses.net.talos.dev", "network")


def link(name: str, mtu: int, kind: str = '""') -> Resource[UntypedSpec]:
    text = f"type: ether\nmtu: {mtu}\nkind: {kind}\noperationalState: up\n"
    return Resource.new(UntypedSpec(yaml=text), id=name, kind=LINK_STATUSES)


def test_the_mtu_is_that_of_the_links_with_the_nodes_addresses() -> None:
    state = MemoryState()
    for resource in (link("eth0", 1500), link("storage0", 1300), link("veth7", 1200, "veth"), link("kubespan", 1420, "wireguard")):
        state.create(resource)
    assert view_of(state, "node", full=True).links == {"eth0": 1500, "storage0": 1300}
    own = host.NODE_ADDRESSES
    state.create(Resource.new(own.spec((IPPrefix.parse("10.0.0.5/24"),)), id=host.CURRENT_WITHOUT_KUBERNETES, kind=own.kind))
    state.create(Resource.new(UntypedSpec(yaml="address: 10.0.0.5/24\nlinkName: eth0\n"), id="eth0/10.0.0.5/24", kind=ADDRESSES))
    view = view_of(state, "node", full=True)
    assert view.links == {"eth0": 1500}
    assert view.tunnel_mtu == 1420


def test_a_node_that_is_a_container_has_veth_links() -> None:
    state = MemoryState()
    for resource in (link("eth0", 1400, "veth"), link("veth7", 1200, "veth")):
        state.create(resource)
    view = view_of(state, "node", full=True)
    assert view.links == {}
    assert sorted(view.devices or ()) == ["eth0", "veth7"]
    own = host.NODE_ADDRESSES
    state.create(Resource.new(own.spec((IPPrefix.parse("10.0.0.5/24"),)), id=host.CURRENT_WITHOUT_KUBERNETES, kind=own.kind))
    state.create(Resource.new(UntypedSpec(yaml="address: 10.0.0.5/24\nlinkName: eth0\n"), id="eth0/10.0.0.5/24", kind=ADDRESSES))
    assert view_of(state, "node", full=True).links == {"eth0": 1400}


def test_the_cni_shows_by_its_links() -> None:
    state = MemoryState()
    assert view_of(state, "node", full=True).cni is None
    state.create(link("cilium_host", 1500))
    assert view_of(state, "node", full=True).cni == "Cilium"
