"""Faults that are injected: each makes things worse, and is undone without a trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from talos_resources.model.errors import ConfigError
from talos_resources.resources import KubeSpanPeerSpec, KubeSpanPeerStatus, PeerState
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.faults import Faults
from talos_resources.simulate.layouts import lan
from talos_resources.simulate.strikes import FAULTS

DOWN_S = 300.0
"""After so long a link that is cut is down: keys live for three minutes, and managers look every half a minute."""


@pytest.fixture
def cluster() -> SimulatedCluster:
    """Six nodes in a full mesh."""
    made = SimulatedCluster(seed=3)
    lan(made, 6)
    made.start()
    made.run_until(60)
    assert made.sample().is_full_mesh
    return made


def later(cluster: SimulatedCluster, seconds: float) -> None:
    cluster.run_until(cluster.elapsed_s + seconds)


@pytest.mark.parametrize(
    ("name", "nodes", "site", "down"),
    [
        ("partition", ("worker-1",), None, 2 * 5),
        ("partition", ("worker-1", "worker-2"), None, 2 * 2 * 4),
        ("partition", (), "b", 2 * 3 * 3),
        ("partition", ("controlplane-1",), "b", 2 * 4 * 2),
        ("block", ("worker-1", "controlplane-1", "controlplane-2"), None, 2 * 2),
        ("off", ("worker-3",), None, 5),
        ("off", (), "a", 3 * 3),
    ],
)
def test_links_go_down_and_come_up(cluster: SimulatedCluster, name: str, nodes: tuple[str, ...], site: str | None, down: int) -> None:
    faults = Faults(cluster)
    struck = faults.inject(name, *nodes, site=site)
    later(cluster, DOWN_S)
    statuses = [peer.spec.state for node in cluster.nodes.values() if node.host.online for peer in node.state.list(KubeSpanPeerStatus)]
    assert sum(state is not PeerState.UP for state in statuses) == down
    assert faults.there() == (struck,)
    assert faults.heal() == [struck]
    later(cluster, DOWN_S)
    assert cluster.sample().is_full_mesh
    assert faults.there() == ()


def test_several_faults_are_undone_one_by_one(cluster: SimulatedCluster) -> None:
    faults = Faults(cluster)
    first = faults.inject("partition", "worker-1", "worker-2")
    faults.inject("partition", "worker-2", "worker-3")
    faults.inject("loss", value="0.25")
    assert [node.host.side for node in cluster.nodes.values()] == [0, 0, 0, 1, 2, 2]
    assert cluster.network.loss == 0.25
    faults.heal()
    assert {node.host.side for node in cluster.nodes.values()} == {0}
    assert cluster.network.loss == 0
    with pytest.raises(ConfigError, match=f'no fault "{first.id}" is there; there are none'):
        faults.heal(first.id)


def test_a_fault_heals_by_itself(cluster: SimulatedCluster) -> None:
    healed: list[str] = []
    faults = Faults(cluster, on_healed=lambda struck: healed.append(struck.what))
    struck = faults.inject("partition", "worker-1", for_s=400)
    assert struck.heals_at_s == 460
    later(cluster, 399)
    assert (cluster.sample().down, healed) == (10, [])
    later(cluster, 1)
    assert healed == [struck.what] == ["cut: worker-1 from the 5 others"]
    later(cluster, 60)
    assert cluster.sample().is_full_mesh
    faults.inject("mtu", "worker-1", for_s=10)
    faults.heal()
    later(cluster, 20)  # the timer finds nothing any more
    assert len(healed) == 1


def test_moving_and_back(cluster: SimulatedCluster) -> None:
    faults = Faults(cluster)
    node = cluster.nodes["worker-3"]
    before = node.host.address
    assert faults.inject("move", "worker-3").what == "worker-3 moves from 172.20.0.7 to 172.20.0.8"
    later(cluster, 60)
    assert {str(peer.spec.endpoint) for peer in cluster.nodes["worker-1"].state.list(KubeSpanPeerStatus)} >= {"172.20.0.8:51820"}
    faults.heal()
    assert node.host.address == before
    with pytest.raises(ConfigError, match=r"172\.20\.0\.2 belongs to a node already"):
        faults.inject("move", "worker-3", value="172.20.0.2")


def test_filters_leave_less_to_announce(cluster: SimulatedCluster) -> None:
    def announced() -> int:
        found = (spec.spec for spec in cluster.nodes["worker-1"].state.list(KubeSpanPeerSpec))
        return next(len(spec.endpoints) for spec in found if spec.label == "worker-3")

    faults = Faults(cluster)
    faults.inject("filters", "worker-3")
    later(cluster, 60)
    assert announced() == 0
    faults.inject("filters", "worker-3", value="172.20.0.0/16, !10.0.0.0/8")
    later(cluster, 60)
    assert announced() == 1
    faults.heal()
    later(cluster, 60)
    assert announced() == 1
    assert cluster.nodes["worker-3"].settings.endpoint_filters is None


def test_without_kubespan_nobody_has_it_for_a_peer(cluster: SimulatedCluster) -> None:
    faults = Faults(cluster)
    assert faults.inject("kubespan-off", site="b").what == "KubeSpan is off on worker-1, worker-2, worker-3"
    later(cluster, 60)
    assert [len(node.state.list(KubeSpanPeerStatus)) for node in cluster.nodes.values()] == [2, 2, 2, 0, 0, 0]
    faults.heal()
    later(cluster, 60)
    assert cluster.sample().is_full_mesh


def test_what_cannot_be_healed_is_not_there(cluster: SimulatedCluster) -> None:
    faults = Faults(cluster)
    key = cluster.nodes["worker-3"].device.key
    assert faults.inject("new-keys", "worker-3", for_s=60).heals_at_s is None
    later(cluster, 60)
    assert cluster.nodes["worker-3"].device.key not in {key, ""}
    assert faults.there() == ()


@pytest.mark.parametrize(
    ("inject", "told"),
    [
        (lambda faults: faults.inject("fire"), 'no fault "fire"; there are partition, block, '),
        (lambda faults: faults.inject("off"), "off takes 1 or more nodes, not 0"),
        (lambda faults: faults.inject("move", "worker-1", "worker-2"), "move takes 1 node, not 2"),
        (lambda faults: faults.inject("block", "worker-1"), "block takes 2 or more nodes, not 1"),
        (lambda faults: faults.inject("loss", "worker-1"), "loss takes 0 nodes, not 1"),
        (lambda faults: faults.inject("off", "worker-9"), 'no node "worker-9"; there are controlplane-1, '),
        (lambda faults: faults.inject("off", site="c"), 'no site "c"; there are a, b, lan'),
        (lambda faults: faults.inject("partition", site="lan"), "name some of the nodes, not all"),
        (lambda faults: faults.inject("loss", value="much"), 'such as 0.3, not "much"'),
        (lambda faults: faults.inject("loss", value="1"), 'such as 0.3, not "1"'),
        (lambda faults: faults.inject("mtu", "worker-1", value="-5"), 'invalid MTU "-5"'),
        (lambda faults: faults.inject("move", "worker-1", value="home"), '"home" is no address'),
        (lambda faults: faults.inject("filters", "worker-1", value="0.0.0.0/0,!home"), 'filter is not valid: "home"'),
        (lambda faults: faults.inject("off", "worker-1", for_s=0), "more than 0 s"),
    ],
)
def test_what_is_refused_changes_nothing(cluster: SimulatedCluster, inject: Callable[[Faults], object], told: str) -> None:
    faults = Faults(cluster)
    with pytest.raises(ConfigError) as caught:
        inject(faults)
    assert told in caught.value.message
    assert faults.there() == ()
    later(cluster, DOWN_S)
    assert cluster.sample().is_full_mesh


def test_every_fault_says_what_it_does() -> None:
    assert all(fault.about and fault.name == name for name, fault in FAULTS.items())
