from __future__ import annotations

import ipaddress
from collections import Counter
from pathlib import Path

import attrs
import pytest

from talos_resources import sources
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import AddrPort
from talos_resources.resources import Affiliate, KubeSpanEndpoint, KubeSpanPeerSpec, KubeSpanPeerStatus, Member, PeerState
from talos_resources.simulate.cluster import Sample, SimulatedCluster
from talos_resources.simulate.layouts import behind_nat, lan
from talos_resources.simulate.network import Nat, Router
from talos_resources.simulate.run import Summary, run
from talos_resources.simulate.scenarios import SCENARIOS, scenario
from talos_resources.simulate.settings import NodeSettings


def simulate(name: str, nodes: int = 5, *, seed: int = 0) -> tuple[SimulatedCluster, Summary]:
    cluster, summary = run(scenario(name), nodes=nodes, seed=seed)
    for node in cluster.nodes.values():
        assert [report for report in node.reports() if report.failures] == []
    return cluster, summary


def at(summary: Summary, seconds: float) -> tuple[int, int, int, int]:
    sample = next(sample for sample in summary.samples if sample.at_s == seconds)
    return sample.up, sample.down, sample.unknown, sample.missing


def states(cluster: SimulatedCluster, node: str) -> dict[str, PeerState]:
    return {peer.spec.label: peer.spec.state for peer in cluster.nodes[node].state.list(KubeSpanPeerStatus)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_seed_gives_the_same_run(name: str) -> None:
    first, second = simulate(name, 4), simulate(name, 4)
    assert first[1].samples == second[1].samples
    for one, other in zip(first[0].nodes.values(), second[0].nodes.values(), strict=True):
        assert one.state.list(KubeSpanPeerStatus) == other.state.list(KubeSpanPeerStatus)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_status_outlives_its_spec(name: str) -> None:
    cluster, _ = simulate(name, 4)
    for node in cluster.nodes.values():
        specs = [spec.id for spec in node.state.list(KubeSpanPeerSpec)]
        assert [status.id for status in node.state.list(KubeSpanPeerStatus)] == specs


def test_a_mesh_is_up_at_the_first_tick() -> None:
    cluster, summary = simulate("mesh")
    assert summary.full_mesh_s == 30
    for node in cluster.nodes.values():
        assert len(node.state.list(Member)) == 5
        assert len(node.state.list(Affiliate)) == 5
        assert len(node.state.list(Affiliate, namespace="cluster-raw")) == 4


def test_a_cut_goes_down_within_the_limits_and_heals() -> None:
    _, summary = simulate("partition", 6)
    assert at(summary, 120) == (30, 0, 0, 0)
    assert at(summary, 420) == (12, 18, 0, 0)
    assert at(summary, 720) == (12, 18, 0, 0)
    assert at(summary, 720 + 60) == (30, 0, 0, 0)


def test_one_direction_is_enough_to_break_a_link() -> None:
    cluster, summary = run(scenario("asymmetric"), nodes=4, duration_s=600)
    assert at(summary, 600) == (10, 2, 0, 0)
    assert states(cluster, "worker-1")["controlplane-1"] is PeerState.DOWN
    assert states(cluster, "controlplane-1")["worker-1"] is PeerState.DOWN


def test_behind_nat_nodes_are_seen_at_the_router() -> None:
    cluster, summary = simulate("nat")
    assert summary.full_mesh_s is None
    public = cluster.nodes["controlplane-1"].state.list(KubeSpanPeerStatus)
    seen = {str(peer.spec.endpoint) for peer in public if peer.spec.label == "worker-2"}
    assert len(seen) == 1
    assert seen.pop().startswith("203.0.113.2:4")
    # The two at home try each other for ever.
    assert states(cluster, "worker-1")["worker-2"] is not PeerState.UP


def test_shared_endpoints_join_those_behind_nat() -> None:
    cluster, summary = simulate("nat-harvest")
    assert summary.full_mesh_s is not None
    assert len(cluster.nodes["controlplane-1"].state.list(KubeSpanEndpoint)) == 4
    _, symmetric = simulate("nat-symmetric")
    assert symmetric.full_mesh_s is None


def test_behind_a_full_cone_anybody_gets_in() -> None:
    cluster = SimulatedCluster()
    made = behind_nat(cluster, 3, nat=Nat.FULL_CONE, hidden=1)
    home = made[-1].host
    port = cluster.network.seen_as(home, made[0].host)
    assert port is not None
    assert not cluster.network.arrives(made[0].host, port, home, answered=None)  # nobody is on yet
    cluster.start()
    assert cluster.network.arrives(made[0].host, port, home, answered=None)
    other = AddrPort(port.address, port.port + 1)
    assert not cluster.network.arrives(made[0].host, other, home, answered=None)


def test_a_node_that_moves_is_followed() -> None:
    cluster, summary = simulate("moving")
    assert min(sample.up for sample in summary.samples) == 20
    endpoints = {str(peer.spec.endpoint) for peer in cluster.nodes["controlplane-1"].state.list(KubeSpanPeerStatus)}
    assert "172.20.0.9:51820" in endpoints


def test_with_loss_links_come_up_later() -> None:
    _, summary = simulate("loss", 6)
    assert summary.samples[0].up < 30
    assert summary.full_mesh_s is not None


def test_new_keys_replace_the_old_peer() -> None:
    cluster, summary = simulate("new-keys")
    keys = {peer.id for peer in cluster.nodes["controlplane-1"].state.list(KubeSpanPeerStatus)}
    assert len(keys) == 4
    assert cluster.nodes["worker-2"].device.key in keys
    assert at(summary, 480) == (20, 0, 0, 0)


def test_who_leaves_disappears_when_the_announcement_expires() -> None:
    cluster, summary = simulate("leave")
    assert at(summary, 600) == (12, 4, 0, 0)
    assert at(summary, 2400) == (12, 0, 0, 0)
    assert "worker-2" not in states(cluster, "controlplane-1")


def test_of_two_that_announce_one_network_the_first_gets_it() -> None:
    cluster, _ = simulate("overlap")
    pods = Counter(str(prefix) for peer in cluster.nodes["controlplane-2"].state.list(KubeSpanPeerSpec) for prefix in peer.spec.allowed_ips)
    assert pods["10.244.0.0/24"] == 1


def test_a_wrong_clock_shows_in_the_times_of_its_node_alone() -> None:
    cluster, _ = simulate("skew", 3)
    wrong, right = cluster.nodes["controlplane-3"], cluster.nodes["controlplane-1"]
    assert (wrong.now - right.now) // 1_000_000_000 == 600
    assert wrong.state.list(KubeSpanPeerStatus)[0].spec.last_handshake_time > right.now
    assert set(states(cluster, "controlplane-3").values()) == {PeerState.UP}


def test_ipv4_and_ipv6_do_not_meet() -> None:
    """Neither in one network nor over the internet, nor from behind a router that has only one of them."""
    cluster = SimulatedCluster()
    places: list[tuple[str, str, Router | None]] = [
        ("172.20.0.2", "lan", None),
        ("172.20.0.3", "lan", None),
        ("2001:db8::2", "lan", None),
        ("2001:db8::3", "lan", None),
        ("198.18.0.5", "", None),
        ("192.168.7.9", "home", Router(address=ipaddress.ip_address("203.0.113.7"))),
    ]
    made = [
        cluster.add(NodeSettings(name=f"node-{number}"), address=ipaddress.ip_address(address), site=site, router=router)
        for number, (address, site, router) in enumerate(places)
    ]
    cluster.start()
    cluster.run_until(900)
    up = {
        (node.settings.name, peer) for node in made for peer, state in states(cluster, node.settings.name).items() if state is PeerState.UP
    }
    pairs = {frozenset(pair) for pair in up}
    assert up == {tuple(way) for pair in pairs for way in (sorted(pair), sorted(pair, reverse=True))}
    assert {"-".join(sorted(name[-1] for name in pair)) for pair in pairs} == {"0-1", "2-3", "4-5"}


def test_settings_change_while_the_node_runs() -> None:
    cluster = SimulatedCluster()
    lan(cluster, 3)
    cluster.start()
    cluster.run_until(60)
    node = cluster.nodes["controlplane-1"]
    node.set_config(extra_endpoints=(AddrPort(ipaddress.ip_address("192.0.2.1"), 7),))
    cluster.run_until(90)
    peer = cluster.nodes["controlplane-2"].state.list(Affiliate)
    announced = [item.spec.kubespan.endpoints for item in peer if item.spec.kubespan and item.spec.nodename == "controlplane-1"]
    assert str(announced[0][-1]) == "192.0.2.1:7"


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="no scenario"):
        scenario("flood")
    with pytest.raises(ConfigError, match="at least 2 nodes"):
        run(scenario("mesh"), nodes=1)
    with pytest.raises(ConfigError, match="more than 0 s"):
        run(scenario("mesh"), nodes=2, duration_s=0)
    with pytest.raises(ValueError, match="two nodes controlplane-1"):
        lan(SimulatedCluster(), 1) and lan(cluster := SimulatedCluster(), 1) and lan(cluster, 1)


def test_every_command_reads_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mesh.zip"
    assert main(["simulate", "--nodes", "3", "--to", str(target)]) == 0
    assert "full mesh after 0:00:30" in capsys.readouterr().out
    with sources.open_source(str(target)) as cluster:
        assert cluster.nodes == ("controlplane-1", "controlplane-2", "controlplane-3")
        peers = cluster.state("controlplane-1").list(KubeSpanPeerStatus)
    assert [peer.spec.state for peer in peers] == [PeerState.UP, PeerState.UP]
    assert main(["get", "linkspecs", "--namespace", "network-config", "--from", str(target), "-n", "controlplane-1", "-o", "yaml"]) == 0
    assert "<REDACTED>" in capsys.readouterr().out


def test_a_target_that_exists_is_refused_before_anything_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mesh.zip"
    target.write_text("mine")
    for taken in (target, tmp_path):
        assert main(["simulate", "--nodes", "3", "--to", str(taken)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == f"error: {taken} exists already; remove it or name another target\n"
    assert target.read_text() == "mine"


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(SCENARIOS)  # headings
    assert main(["simulate", "--nodes", "2", "--duration", "1m30s", "-o", "json"]) == 0
    assert '"full_mesh_s": 30.0' in capsys.readouterr().out
    for wrong in (["--duration", "soon"], ["--nodes", "1"], ["--scenario", "flood"], ["--every", "0s"]):
        assert main(["simulate", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["runtime", "graph"]) == 0
    assert "kubespan.ManagerController\n  <- KubeSpanConfigs" in capsys.readouterr().out


def test_samples_add_up() -> None:
    sample = Sample(at_s=0, up=1, down=2, unknown=3, missing=4)
    assert sample.links == 10
    assert attrs.evolve(sample, down=0, unknown=0, missing=0).is_full_mesh
