"""Each fault is named, first, and nothing else is; a healthy mesh is clean."""

from __future__ import annotations

import ipaddress

import attrs
import pytest

from talos_resources import AddrPort, PeerState, Timestamp
from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.finding import Severity
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.event import Event
from talos_resources.simulate.layouts import behind_nat, lan, lan_address, settings
from talos_resources.simulate.network import Router
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import scenario
from tests.insight.changes import affiliates, config, everywhere, in_view, shifted, statuses, without
from tests.insight.changes import view_of as view
from tests.insight.saying import healthy, names, only, taken, text
from tests.insight.scenes import demo, scene, simulated

# Healthy ones.


def test_no_finding_on_the_demo() -> None:
    assert names(demo()) == []


@pytest.mark.parametrize("name", ["mesh", "nat-harvest", "moving", "restart"])
def test_no_finding_where_all_is_well(name: str) -> None:
    diagnosis = examine(scene(name))
    assert diagnosis.is_clean
    assert names(scene(name)) == []


@pytest.mark.parametrize("seconds", [5, 20, 30, 60, 90, 200, 630])
def test_a_mesh_that_is_coming_up_is_no_fault(seconds: float) -> None:
    assert names(scene("mesh", duration_s=seconds)) == []


# The simulator's scenarios.

SCENARIOS = [
    ("nat", None, "both-behind-nat", "worker-2 ↔ worker-3 has never been up"),
    ("nat-symmetric", None, "both-behind-nat", "worker-2 ↔ worker-3 has never been up"),
    ("filters", None, "filtered-endpoint", "controlplane-1 ↔ worker-3"),
    ("partition", 480, "mesh-split", "controlplane-1, controlplane-2, controlplane-3 | worker-1, worker-2, worker-3"),
    ("asymmetric", 480, "path-blocked", "controlplane-1 ↔ worker-3 has been down for 7 m"),
    ("loss", None, "lost-bytes", "50 % of the bytes on 30 links that are up got lost"),
    ("restart", 200, "no-answer", "worker-3 did not answer"),
    ("leave", 300, "node-silent", "worker-3 is off or unreachable"),
    ("leave", 600, "node-silent", "worker-3 is off or unreachable"),
    ("new-keys", None, "new-key", "worker-3 came back at 00:02:00, with a new WireGuard key or after KubeSpan was off there"),
    ("discovery-outage", None, "discovery-unreachable", "controlplane-1 cannot reach the discovery service"),
    ("discovery-outage", 2700, "discovery-unreachable", "controlplane-1 cannot reach the discovery service"),
    ("skew", None, "clock-skew", "the clock of worker-3 is 10 m ahead"),
    ("mtu", None, "mtu-differs", "worker-3 has another MTU"),
    ("overlap", None, "overlapping-networks", "controlplane-1 and worker-3 both announce 10.244.0.0/24"),
]


@pytest.mark.parametrize(("name", "seconds", "rule", "title"), SCENARIOS)
def test_each_scenario_is_named_and_nothing_else(name: str, seconds: float | None, rule: str, title: str) -> None:
    diagnosis = only(scene(name, duration_s=seconds), rule, title)
    finding = diagnosis.findings[0]
    assert finding.evidence
    assert finding.cause
    assert finding.advice


@pytest.mark.parametrize("nodes", [4, 5, 9])
@pytest.mark.parametrize(
    ("name", "rule"),
    [("nat", "both-behind-nat"), ("filters", "filtered-endpoint"), ("skew", "clock-skew"), ("discovery-outage", "discovery-unreachable")],
)
def test_scenarios_of_other_sizes(name: str, rule: str, nodes: int) -> None:
    only(scene(name, nodes=nodes), rule)


@pytest.mark.parametrize("nodes", [4, 6, 9])
def test_the_direction_that_is_blocked_is_named(nodes: int) -> None:
    diagnosis = only(scene("asymmetric", nodes=nodes, duration_s=480), "path-blocked")
    assert f"What worker-{nodes - 3} sends does not reach controlplane-1, while the other direction works" in text(diagnosis)


def test_a_path_that_is_blocked_both_ways_has_no_direction() -> None:
    made = attrs.evolve(scenario("asymmetric"), build=_blocked_both_ways)
    cluster, _ = run(made, nodes=6, duration_s=480)
    assert "Nothing arrives at either end" in text(only(taken(cluster), "path-blocked"))


def _blocked_both_ways(cluster: SimulatedCluster, nodes: int) -> list[Event]:
    first, *_, last = (node.settings.name for node in lan(cluster, nodes))
    return [Event(120.0, "no packets pass", lambda: cluster.network.block([(first, last), (last, first)]))]


def test_lost_handshakes_show_where_nothing_else_is_sent() -> None:
    cluster, _ = run(attrs.evolve(scenario("loss"), traffic=0), nodes=6, duration_s=300)
    only(taken(cluster), "late-handshakes", "1 of 15 links is late to renew its session")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("name", "seconds", "rule"), [(name, seconds, rule) for name, seconds, rule, _ in SCENARIOS])
def test_each_scenario_is_named_whatever_the_chance(name: str, seconds: float | None, rule: str, seed: int) -> None:
    only(scene(name, duration_s=seconds, seed=seed), rule)


def test_healed_scenarios_only_note_what_was_lost() -> None:
    for name in ("partition", "asymmetric"):
        diagnosis = only(scene(name), "lost-bytes")
        assert diagnosis.is_clean


def test_a_node_that_left_leaves_an_old_report() -> None:
    cluster = simulated("leave")
    only(taken(cluster), "node-left", "worker-3 has left the mesh 38 m ago")


def test_symmetric_nat_is_told_from_the_other() -> None:
    assert "Symmetric NAT" in text(examine(scene("nat-symmetric")))
    plain = text(examine(scene("nat")))
    assert "an external address that no node has on an interface" in plain
    assert "none answered, 0 bytes received" in plain
    assert "harvestExtraEndpoints" in plain


def test_a_filter_names_what_it_hides() -> None:
    told = text(examine(scene("filters")))
    assert "reach worker-3 at 203.0.113.1:40005" in told
    assert "!203.0.113.0/24" in told


def test_many_behind_nat_are_one_finding() -> None:
    cluster = SimulatedCluster()
    behind_nat(cluster, 7, hidden=4)
    cluster.start()
    cluster.run_until(600)
    only(taken(cluster), "both-behind-nat", "(6 links)")


# Links.


def test_a_path_that_never_worked() -> None:
    cluster = SimulatedCluster()
    lan(cluster, 5)
    cluster.network.block([("controlplane-1", "worker-2"), ("worker-2", "controlplane-1")])
    cluster.start()
    cluster.run_until(600)
    told = text(only(taken(cluster), "endpoint-unreachable", "controlplane-1 ↔ worker-2 has never been up", "the only endpoint"))
    assert "controlplane-1 reaches controlplane-2, controlplane-3, worker-1 in the same network" in told


def test_all_endpoints_of_a_peer_were_tried() -> None:
    cluster = SimulatedCluster()
    made = lan(cluster, 5)
    more = AddrPort(ipaddress.ip_address("198.51.100.7"), 51820)
    made[-1].settings = attrs.evolve(made[-1].settings, extra_endpoints=(more,))
    cluster.network.block([("controlplane-1", "worker-2"), ("worker-2", "controlplane-1")])
    cluster.start()
    cluster.run_until(600)
    told = text(only(taken(cluster), "endpoint-unreachable", "no endpoint answers"))
    assert "172.20.0.6:51820, 198.51.100.7:51820 for worker-2, both in turn, 9 times: about" in told


def test_a_node_that_nobody_reaches() -> None:
    cluster = SimulatedCluster()
    made = lan(cluster, 5)
    alone = made[-1].settings.name
    cluster.start()
    cluster.run_until(60)
    cluster.network.block([pair for node in made[:-1] for pair in ((alone, node.settings.name), (node.settings.name, alone))])
    cluster.run_until(600)
    only(taken(cluster), "node-isolated", "worker-2 runs but has no link to any other node")


def test_a_link_that_does_not_recover_after_an_outage() -> None:
    dead = {"state": PeerState.DOWN}
    old = Timestamp(view(healthy(), "worker-2").as_of - 200 * 10**9)
    fresh = Timestamp(old + 100 * 10**9)
    broken = in_view(healthy(), "controlplane-1", statuses=statuses("worker-3", **dead, last_handshake_time=old))
    broken = in_view(broken, "worker-3", statuses=statuses("controlplane-1", **dead, last_handshake_time=old))
    broken = in_view(broken, "controlplane-1", statuses=statuses("worker-2", last_endpoint_change=fresh))
    told = text(only(broken, "not-recovered", "controlplane-1 ↔ worker-3 has been down"))
    assert "came back: controlplane-1 ↔ worker-2" in told


def one_way() -> Snapshot:
    return in_view(healthy(), "worker-3", statuses=statuses("controlplane-1", state=PeerState.DOWN, receive_bytes=0))


def test_a_link_that_is_up_one_way() -> None:
    told = text(only(one_way(), "one-way-link", "controlplane-1 ↔ worker-3", "worker-3 does not see it up"))
    assert "worker-3 sees controlplane-1 down" in told


def test_bypass_with_a_one_way_link_is_unencrypted() -> None:
    diagnosis = examine(in_view(one_way(), "worker-3", config=config(force_routing=False), chains={}))
    assert [finding.rule for finding in diagnosis.findings] == ["one-way-link", "down-peer-bypass"]
    assert "one direction now goes unencrypted" in diagnosis.findings[0].cause
    assert diagnosis.findings[1].severity is Severity.ERROR


def test_no_common_address_family() -> None:
    cluster = SimulatedCluster()
    for number in range(3):
        cluster.add(settings(number), address=lan_address(number), site="lan")
    cluster.add(settings(3), address=ipaddress.ip_address("2001:db8::9"))
    cluster.network.block([(f"controlplane-{number}", "worker-1") for number in (1, 2, 3)])
    cluster.start()
    cluster.run_until(600)
    snapshot = taken(cluster)
    # Alone against all it is isolated; beside a node that reaches it the family is the cause.
    both = in_view(snapshot, "controlplane-1", statuses=statuses("worker-1", state=PeerState.UP))
    both = in_view(both, "worker-1", statuses=statuses("controlplane-1", state=PeerState.UP))
    assert names(both)[0] == "no-common-family"


def test_filters_that_hide_everything() -> None:
    cluster = SimulatedCluster()
    made = lan(cluster, 3)
    for number in (1, 2):
        home = Router(address=ipaddress.ip_address(f"203.0.113.{number}"))
        name = attrs.evolve(settings(2 + number), endpoint_filters=("!0.0.0.0/0",))
        made.append(cluster.add(name, address=ipaddress.ip_address(f"192.168.{number}.10"), site=f"home-{number}", router=home))
    for number, node in enumerate(made[:3]):
        cluster.network.move(node.host, address=ipaddress.ip_address(f"198.18.0.{2 + number}"))
    cluster.start()
    cluster.run_until(600)
    told = text(only(taken(cluster), "no-endpoints", "worker-1 ↔ worker-2"))
    assert "!0.0.0.0/0" in told


# Discovery.


def test_discovery_settings() -> None:
    only(
        in_view(healthy(), "worker-1", discovery=config(discovery_enabled=False, registry_service_enabled=False, service_endpoints=())),
        "discovery-disabled",
        "worker-1",
    )
    both = everywhere(healthy(), discovery=config(registry_kubernetes_enabled=True))
    only(both, "kubernetes-registry", "controlplane-1, controlplane-2")


def test_a_node_that_the_others_forgot() -> None:
    snapshot = healthy()
    for name in ("controlplane-2", "controlplane-3", "worker-1", "worker-2", "worker-3"):
        snapshot = in_view(
            snapshot,
            name,
            specs=without("controlplane-1"),
            statuses=without("controlplane-1"),
            affiliates=lambda every: tuple(item for item in every if item.spec.nodename != "controlplane-1"),
            chains={},
        )
    only(snapshot, "discovery-unreachable", "controlplane-1", "is not listed any more")


def test_a_peer_that_one_node_leaves_out() -> None:
    snapshot = in_view(healthy(), "worker-1", specs=without("worker-2"), statuses=without("worker-2"), chains={})
    told = text(only(snapshot, "unknown-peer", "worker-1 does not know worker-2"))
    assert "affiliate present, no peer spec" in told


def test_specs_and_statuses_that_do_not_match() -> None:
    only(in_view(healthy(), "worker-1", statuses=without("worker-2")), "spec-without-status", "worker-1 has 1 peer spec without a status")
    snapshot = in_view(healthy(), "worker-1", specs=without("worker-2"), chains={})
    only(snapshot, "status-without-spec", "worker-1 still has 1 peer that")


# Who is who.


def test_duplicates() -> None:
    snapshot = healthy()
    other = next(item.spec for item in view(snapshot, "worker-1").affiliates if item.spec.nodename == "worker-2")
    assert other.kubespan is not None
    shared = everywhere(snapshot, affiliates=affiliates("worker-3", addresses=other.addresses))
    assert names(shared)[0] == "duplicate-address"
    label = everywhere(snapshot, affiliates=affiliates("worker-3", nodename="worker-2"))
    assert "duplicate-label" in names(label)
    key = everywhere(snapshot, affiliates=affiliates("worker-3", kubespan={"public_key": other.kubespan.public_key}))
    assert "duplicate-key" in names(key)
    only(in_view(snapshot, "worker-3", config=config(cluster_id="other")), "different-clusters", "2 different clusters")


def test_a_clock_is_told_from_an_old_report() -> None:
    only(in_view(healthy(), "worker-1", statuses=shifted(-500, handshakes=True)), "clock-skew", "worker-1", "8 m behind")
    only(in_view(healthy(), "worker-1", statuses=shifted(-500, handshakes=False)), "report-old", "worker-1", "8 m")
