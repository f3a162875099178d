"""Reprs: short, and without secrets."""

from __future__ import annotations

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.fields import fields_of
from talos_resources.model.kind import typed_kinds, untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus
from talos_resources.sources import Cluster


def test_a_resource_is_one_line() -> None:
    spec = KubeSpanPeerStatus(label="worker-1", state="up", endpoint="10.0.0.1:51820", receive_bytes=5, transmit_bytes=6)  # type: ignore[arg-type]
    assert repr(Resource.new(spec, id="abc=")) == (
        "<KubeSpanPeerStatus abc= v0: endpoint=10.0.0.1:51820, label=worker-1, state=up, receive_bytes=5, …>"
    )
    assert repr(Resource.new(KubeSpanPeerStatus(), id="abc=")) == "<KubeSpanPeerStatus abc= v0>"
    assert repr(Resource.new(UntypedSpec(yaml="token: hunter2\n"), id="x", kind=untyped("Tokens.test.dev", "t"))) == "<Tokens x v0>"


def test_what_a_node_says_moves_no_cursor() -> None:
    assert repr(Resource.new(KubeSpanPeerStatus(label="\x1b[2Jx"), id="a\nb")) == r"<KubeSpanPeerStatus a\nb v0: label=\x1b[2Jx>"


def test_no_secret_is_shown() -> None:
    assert "hunter2" not in repr(Resource.new(KubeSpanIdentity(private_key="hunter2"), id="local"))
    for kind in typed_kinds():
        for info in fields_of(kind.spec):
            if info.secret and info.shape == "text" and not info.plural:
                assert "hunter2" not in repr(Resource.new(kind.spec(**{info.name: "hunter2"}), id="a"))


def test_a_long_list_shows_five_and_a_count() -> None:
    state = MemoryState()
    for number in range(30):
        state.create(Resource.new(KubeSpanPeerStatus(label=f"worker-{number}"), id=f"{number:02}"))
    lines = repr(state.list(KubeSpanPeerStatus)).split("\n")
    assert len(lines) == 6
    assert lines[0] == "[<KubeSpanPeerStatus 00 v1: label=worker-0>,"
    assert lines[-1] == " … and 25 more, 30 in all]"
    assert repr(state.list(KubeSpanPeerStatus, ids="^0[01]$")).count("\n") == 1
    assert repr(state.list(KubeSpanPeerStatus, ids="no")) == "[]"


def test_a_cluster_of_many_nodes() -> None:
    cluster = Cluster({f"n{number}": MemoryState for number in range(30)}, source="test")
    assert repr(cluster) == "<Cluster test: n0, n1, n2, n3, n4, n5, n6, n7 and 22 more>"
    for node in cluster.nodes:
        cluster.state(node).create(Resource.new(KubeSpanPeerStatus(), id="a"))
    assert repr(cluster.list(KubeSpanPeerStatus)).startswith("<30 resources of 30 nodes:\n[<KubeSpanPeerStatus a v1>,")
