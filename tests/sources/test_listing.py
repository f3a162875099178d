"""One kind on all nodes of a cluster."""

from __future__ import annotations

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConfigError, ConnectError, UnknownNameError
from talos_resources.model.kind import untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.sources import Cluster, open_source
from talos_resources.state.contract import State
from tests.views.notebook import shown


def away() -> State:
    raise ConnectError("cp-2 <away>: refused")


def present() -> State:
    state = MemoryState()
    state.create(Resource.new(KubeSpanPeerStatus(label="worker-1"), id="abc="))
    return state


def test_all_nodes_of_the_demo() -> None:
    with open_source("demo") as cluster:
        peers = cluster.list(KubeSpanPeerStatus)
        assert [peer.id for peer in peers[4:8]] == [peer.id for peer in cluster.state("172.20.0.3").list(KubeSpanPeerStatus)]
        assert peers.nodes == tuple(node for node in cluster.nodes for _ in range(4))
        assert list(peers.records()[4])[:3] == ["node", "id", "version"]
        assert peers.records()[4]["node"] == "172.20.0.3"
        assert "<th>NODE</th>" in shown(peers)
        assert "<td>172.20.0.6</td>" in shown(peers)
        assert not peers.errors
        assert cluster.doctor().is_clean


def test_a_node_that_does_not_answer_is_named() -> None:
    with Cluster({"cp-1": present, "cp-2": away}, source="test") as cluster:
        peers = cluster.list(KubeSpanPeerStatus)
        assert peers.nodes == ("cp-1",)
        assert [*peers.errors] == ["cp-2"]
        assert "<p>cp-2: cp-2 &lt;away&gt;: refused" in shown(peers)
        with pytest.raises(ConnectError):
            cluster.list(KubeSpanPeerStatus, "cp-2")


def test_nothing_is_an_empty_table() -> None:
    with Cluster({"cp-1": MemoryState}, source="test") as cluster:
        assert not cluster.list(KubeSpanPeerStatus)
        assert "<tbody>\n</tbody>" in shown(cluster.list(KubeSpanPeerStatus))


def test_one_resource_by_what_people_call_it() -> None:
    with open_source("demo") as cluster:
        peer = cluster.get(KubeSpanPeerStatus, label="talos-default-worker-1")
        assert peer is cluster.state("172.20.0.2").get(KubeSpanPeerStatus, peer.id)
        other = cluster.get(KubeSpanPeerStatus, label="talos-default-worker-1", node="172.20.0.3")
        assert other.id == peer.id
        assert other is not peer
        with pytest.raises(UnknownNameError, match='is called "worker-1"; there are talos-default-worker-1 and 3 more'):
            cluster.get(KubeSpanPeerStatus, label="worker-1")
    with Cluster({"cp-1": present, "cp-2": present}, source="test") as cluster:
        assert cluster.get(KubeSpanPeerStatus, "abc=", node="cp-2").spec.label == "worker-1"
        with pytest.raises(ConfigError, match="test has 2 nodes; name one with node=: cp-1, cp-2"):
            cluster.get(KubeSpanPeerStatus, "abc=")


def test_a_type_without_a_class_has_names_too() -> None:
    state = MemoryState()
    widgets = untyped("Widgets.test.talos.dev", "test")
    state.create(Resource.new(UntypedSpec(yaml="hostname: cp-1.example.com\nlabel: 7\n"), id="w", kind=widgets))
    assert state.get(widgets, label="cp-1").id == "w"
