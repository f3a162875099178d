"""The mesh from what nodes say: who is who, what is up, what is only half up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from ruamel.yaml import YAML

from talos_resources import KubeSpanPeerStatus, PeerState, Resource, Timestamp
from talos_resources.cli.main import main
from talos_resources.insight.groups import NO_GROUP, group_key, grouped
from talos_resources.insight.mesh import LinkState, Mesh, build
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.errors import ConnectError, QueryError, UnsupportedError
from talos_resources.sources import Cluster, open_source
from talos_resources.views import mesh_data, mesh_tables, mesh_text
from tests.insight.scenes import demo, scene
from tests.insight.sketches import pair, sketch

NAMES = ["talos-default-controlplane-1", "talos-default-controlplane-2", "talos-default-controlplane-3"]
NAMES += ["talos-default-worker-1", "talos-default-worker-2"]


def shape(mesh: Mesh) -> list[list[str]]:
    return [[state.value for state in mesh.row(node)] for node in mesh.nodes]


def changed(snapshot: Snapshot, change: Callable[[NodeView], NodeView]) -> Snapshot:
    return attrs.evolve(snapshot, views=tuple(map(change, snapshot.views)))


def test_the_demo_is_a_full_mesh() -> None:
    mesh = build(demo())
    assert [node.name for node in mesh.nodes] == NAMES
    assert (mesh.total, mesh.counts[LinkState.UP], mesh.is_healthy) == (20, 20, True)
    assert mesh.link(0, 1).handshake_age_s == pytest.approx(59.784)


def test_nodes_behind_nat_do_not_see_each_other() -> None:
    mesh = build(scene("nat"))
    by_name = {node.name: node for node in mesh.nodes}
    far, further = by_name["worker-2"], by_name["worker-3"]
    assert mesh.state(far, further).is_fault
    assert mesh.state(further, far).is_fault
    assert mesh.counts[LinkState.UP] == 28
    assert {node.name for node in mesh.worst_first()[:2]} == {"worker-2", "worker-3"}


HIDING: dict[str, Callable[[NodeView], NodeView]] = {
    "no identity": lambda view: attrs.evolve(view, public_key=None),
    "no ids": lambda view: attrs.evolve(view, public_key=None, node_id=None),
    "only the address": lambda view: attrs.evolve(view, public_key=None, node_id=None, nodename=None),
    "asked by another name": lambda view: attrs.evolve(view, public_key=None, node_id=None, nodename=None, node=f"proxy-{view.node}"),
}


@pytest.mark.parametrize("hide", HIDING.values(), ids=HIDING)
def test_nodes_are_matched_without_their_identity(hide: Callable[[NodeView], NodeView]) -> None:
    mesh = build(changed(demo(), hide))
    # Without any name the one key that a node does not know is its own.
    assert [node.public_key for node in mesh.nodes] == [node.public_key for node in build(demo()).nodes]
    assert shape(mesh) == shape(build(demo()))


def test_a_node_that_cannot_be_matched_stands_for_itself() -> None:
    nameless = NodeView(node="10.0.0.9")
    mesh = build(Snapshot(views=(nameless,)))
    assert [node.name for node in mesh.nodes] == ["10.0.0.9"]
    assert mesh.total == 0


def test_one_node_says_what_it_cannot_know() -> None:
    mesh = build(Snapshot(views=demo().views[:1]))
    assert (len(mesh.nodes), mesh.total) == (5, 4)
    assert mesh.state(1, 0) is LinkState.UNSEEN
    text = "".join(map(mesh_text.plain, mesh_text.lines(mesh)))
    assert "1 of 5 nodes answered" in text
    assert "-n 172.20.0.2,172.20.0.3" in text


def test_a_node_that_did_not_answer_keeps_its_column() -> None:
    snapshot = attrs.evolve(demo(), views=demo().views[1:], errors={"172.20.0.2": "connection refused", "10.9.9.9": "no route"})
    mesh = build(snapshot)
    assert mesh.nodes[0].error == "connection refused"
    assert mesh.errors == {"10.9.9.9": "no route"}
    assert not mesh.is_healthy
    text = "".join(map(mesh_text.plain, mesh_text.lines(mesh)))
    assert "4 of 5 nodes answered; how the other one sees it is not known" in text
    assert "ask them" not in text  # it was asked


def test_who_was_not_asked_can_be_beside_one_that_did_not_answer() -> None:
    mesh = build(attrs.evolve(demo(), views=demo().views[1:3], errors={"172.20.0.2": "connection refused"}))
    text = " ".join("".join(map(mesh_text.plain, mesh_text.lines(mesh))).split())
    assert "2 of 5 nodes answered; how the other 3 see it is not known" in text
    assert "-n 172.20.0.3,172.20.0.4,172.20.0.5,172.20.0.6)" in text


def one_way(resource: Resource[KubeSpanPeerStatus]) -> Resource[KubeSpanPeerStatus]:
    return resource.with_spec(state=PeerState.DOWN) if resource.spec.label == NAMES[1] else resource


def test_asymmetries_are_found_and_marked() -> None:
    first = demo().views[0]
    snapshot = attrs.evolve(demo(), views=(attrs.evolve(first, statuses=tuple(map(one_way, first.statuses))), *demo().views[1:]))
    mesh = build(snapshot)
    assert mesh.asymmetries == ((1, 0),)
    assert mesh.link(0, 1).is_asymmetric
    assert mesh.link(1, 0).is_asymmetric
    lines = [mesh_text.plain(line) for line in mesh_text.lines(mesh)]
    assert sum("DOWN!" in line for line in lines) == 1
    assert sum("up!" in line for line in lines) == 1


def later(resource: Resource[KubeSpanPeerStatus]) -> Resource[KubeSpanPeerStatus]:
    moved = resource.with_spec(receive_bytes=resource.spec.receive_bytes + 3000, transmit_bytes=0)
    return moved.with_metadata(updated=Timestamp(moved.metadata.updated + 30_000_000_000))


def test_two_samples_give_rates_and_a_counter_that_went_back_gives_none() -> None:
    mesh = build(changed(demo(), lambda view: attrs.evolve(view, statuses=tuple(map(later, view.statuses))))).since(build(demo()))
    assert mesh.link(0, 1).receive_rate is None  # its other counter went back: the link was made anew
    only_more = build(
        changed(
            demo(),
            lambda view: attrs.evolve(view, statuses=tuple(r.with_spec(transmit_bytes=r.spec.transmit_bytes) for r in view.statuses)),
        )
    )
    assert only_more.since(only_more).link(0, 1).receive_rate is None  # no time has passed
    kept = changed(
        demo(),
        lambda view: attrs.evolve(view, statuses=tuple(later(r).with_spec(transmit_bytes=r.spec.transmit_bytes) for r in view.statuses)),
    )
    link = build(kept).since(build(demo())).link(0, 1)
    assert (link.receive_rate, link.transmit_rate) == (100.0, 0.0)


def test_groups_add_up() -> None:
    mesh = build(scene("nat"))
    for by in ("site", "type", "name", "label:zone"):
        groups = grouped(mesh, by)
        assert sum(group.total for group in groups.groups) == mesh.total
        assert sum(len(group.nodes) for group in groups.groups) == len(mesh.nodes)
    assert [group.name for group in grouped(mesh, "label:zone").groups] == [NO_GROUP]
    sites = grouped(mesh, "site")
    assert {group.name for group in sites.groups if group.faults} == {"192.168.1.0/24", "192.168.2.0/24"}
    assert sites.groups[0].faults == 1
    with pytest.raises(QueryError, match="choose one of"):
        group_key("colour")
    with pytest.raises(QueryError, match=r"did you mean site\?$"):
        group_key("sit")


def test_records_and_graph() -> None:
    mesh = build(demo())
    first = mesh.records()[0]
    assert (first["observer"], first["peer"], first["state"], first["receive_bytes"]) == (NAMES[0], NAMES[1], "up", 15043220)
    graph = mesh.to_networkx()
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (5, 20)
    assert graph.edges[NAMES[0], NAMES[1]]["endpoint"] == "172.20.0.3:51820"


@pytest.mark.parametrize("nodes", [5, 6, 12, 60])
def test_every_picture_fits_eighty_columns(nodes: int) -> None:
    mesh = build(scene("mesh", nodes=nodes, duration_s=60))
    lines = [mesh_text.plain(line).rstrip("\n") for line in mesh_text.lines(mesh, width=80)]
    assert lines[0] == f"{nodes} nodes, {nodes * (nodes - 1)} of {nodes * (nodes - 1)} links up"
    assert max(map(len, lines)) <= 80
    if nodes == 60:
        assert lines[-1] == "60 nodes, all of their links up (--all lists them)"


def test_of_fifty_nodes_the_two_bad_ones_have_a_line_and_the_others_one_together() -> None:
    lost = {key: state for peer in range(30) for key, state in pair(17, 49 if peer == 17 else peer).items()}
    slow = {key: state for peer in range(0, 50, 7) for key, state in pair(44, peer, LinkState.UNKNOWN).items()}
    mesh = sketch(50, lost | slow, sites=3)
    assert [mesh_text.plain(line).rstrip("\n") for line in mesh_text.lines(mesh, width=80)][2:] == [
        "",
        "NODE        SEES    SEEN BY   NOT UP",
        "worker-15   19/49   19/49     controlplane-1, controlplane-2 +28",
        "worker-42   41/49   41/49     controlplane-1, worker-5 +6",
        "… and 48 other nodes, none with a fault of its own (--all lists them)",
    ]
    assert len(list(mesh_text.lines(mesh, every=True))) == 2 + 1 + 1 + 50


def test_a_cut_is_told_in_groups_and_long_names_fit() -> None:
    cut = {key: state for here in range(25) for there in range(25, 50) for key, state in pair(here, there).items()}
    text = "".join(mesh_text.plain(line) for line in mesh_text.lines(sketch(50, cut, sites=2), width=80))
    assert "10.0.0.0/24: 25 nodes ↔ 10.0.1.0/24: 25 nodes: all 1250 down\n" in text
    hosts = [f"ip-10-0-{number}-{number * 37 % 250}.eu-central-1.compute.internal" for number in range(12)]
    lines = [mesh_text.plain(line).rstrip("\n") for line in mesh_text.lines(sketch(12, pair(3, 7), names=hosts), width=80)]
    assert max(map(len, lines)) <= 80
    assert any(line.endswith(" 7-9") for line in lines)


def test_the_table_of_all_links_begins_with_the_worst_node_and_ends_with_its_links() -> None:
    told = [mesh_text.plain(line) for line in mesh_tables.detail_lines(sketch(5, pair(1, 4)), width=80)]
    assert told[1].startswith("worst: controlplane-2 (2 of 8 links not up")
    assert [line.split()[:3] for line in told[-3:]] == [
        ["worker-2", "worker-1", "up"],
        ["controlplane-2", "worker-2", "down"],
        ["worker-2", "controlplane-2", "down"],
    ]


def test_only_faults_are_listed_on_demand() -> None:
    mesh = sketch(5, pair(1, 4))
    assert len(list(mesh_tables.detail_lines(mesh, only_faults=True))) == 3 + 1 + 2
    assert "worker-2" in "".join(mesh_text.plain(line) for line in mesh_text.lines(mesh, only_faults=True))


def test_json_yaml_and_dot_tell_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = build(scene("nat"))
    plain = mesh_data.mesh_plain(mesh)
    assert json.loads(mesh_data.mesh_json(mesh)) == plain
    assert YAML(typ="safe", pure=True).load(mesh_data.mesh_yaml(mesh)) == plain
    assert (plain["summary"]["links"], plain["summary"]["up"], plain["summary"]["healthy"]) == (30, 28, False)
    dot = mesh_data.mesh_dot(mesh)
    assert dot.count("dir=none") == 14
    assert '"worker-2" -> "worker-3" [dir=forward' in dot


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TALOSCONFIG", raising=False)
    assert main(["mesh", "--from", "demo"]) == 0
    assert capsys.readouterr().out.startswith("5 nodes, 20 of 20 links up\n")
    assert main(["mesh", "--from", "demo", "-o", "wide", "-n", "172.20.0.2"]) == 0
    assert "172.20.0.3:51820   59 s        15043220   17869488" in capsys.readouterr().out
    assert main(["mesh", "--from", "demo", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["up"] == 20
    assert main(["mesh", "--from", "demo", "--by", "colour"]) == 2
    assert main(["mesh", "--from", "demo", "-n", "nobody"]) == 1


def test_a_cluster_makes_its_mesh() -> None:
    def refused() -> None:
        raise ConnectError("nobody listens")

    with open_source("demo") as cluster:
        assert cluster.mesh().is_healthy
        assert cluster.mesh("172.20.0.2").total == 4
        some = Cluster({"a": lambda: cluster.state("172.20.0.2"), "b": refused}, source="test")  # type: ignore[dict-item]  # it only raises
        assert some.mesh().errors == {"b": "nobody listens"}
        with pytest.raises(ConnectError):
            some.mesh("b")


def test_recordings_are_seen_as_they_were(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"sqlite:{tmp_path / 'mesh.db'}"
    assert main(["dump", "--from", "demo", "-n", "172.20.0.2,172.20.0.3", "--to", target]) == 0
    with open_source(target) as cluster:
        state = cluster.state("172.20.0.2")
        before = Timestamp(time.time_ns())
        peer = next(status for status in state.list(KubeSpanPeerStatus) if status.spec.label == NAMES[1])
        state.update(peer.with_spec(state=PeerState.DOWN))
        other = cluster.state("172.20.0.3")
        for status in other.list(KubeSpanPeerStatus):  # both ends have looked again
            other.update(status.with_spec(receive_bytes=status.spec.receive_bytes + 1, last_handshake_time=before))
        assert cluster.mesh().state(0, 1) is LinkState.DOWN
        assert cluster.at(before).mesh().state(0, 1) is LinkState.UP
    capsys.readouterr()
    assert main(["doctor", "--from", target]) == 3
    assert "is up in one direction only: talos-default-controlplane-1 does not see it up" in capsys.readouterr().out
    assert main(["doctor", "--from", target, "--at", before.rfc3339()]) == 0
    assert main(["mesh", "--from", target, "--at", before.rfc3339()]) == 0
    assert "8 of 8 links up" in capsys.readouterr().out


def test_watching_looks_again_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "talos_resources", "mesh", "--from", "demo", "-o", "wide", "-w", "--every", "1s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            heads = 0
            while heads < 2:
                line = process.stdout.readline()
                assert line
                heads += line.startswith("5 nodes, 20 of 20 links up")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            assert (process.returncode, errors) == (130, "")
        finally:
            process.kill()


def test_a_graph_without_networkx_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(UnsupportedError, match=r"needs networkx; pip install 'talos-resources\[notebook\]'"):
        build(demo()).to_networkx()
