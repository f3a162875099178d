"""Each fault is named, first, and nothing else is; a healthy mesh is clean."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import attrs
import pytest

from talos_resources import AddrPort, IPPrefix, PeerState, Timestamp
from talos_resources.cli.main import main
from talos_resources.insight.causes import causes as rules
from talos_resources.insight.doctor import Diagnosis, examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.finding import Severity
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.network import Router
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import Event, behind_nat, lan, lan_address, scenario, settings
from talos_resources.sources.views import view_of
from tests.insight.changes import affiliates, config, everywhere, in_view, shifted, specs, statuses, without
from tests.insight.changes import view_of as view
from tests.insight.scenes import demo, scene, simulated

HEALTHY_S = 300.0


def healthy() -> Snapshot:
    return scene("mesh", duration_s=HEALTHY_S)


def names(snapshot: Snapshot) -> list[str]:
    return [finding.rule for finding in examine(snapshot).findings]


def only(snapshot: Snapshot, rule: str, *title: str) -> Diagnosis:
    """The one finding is of this rule, and its title has these words."""
    diagnosis = examine(snapshot)
    assert [finding.rule for finding in diagnosis.findings] == [rule], diagnosis.findings
    for words in title:
        assert words in diagnosis.findings[0].title
    return diagnosis


def text(diagnosis: Diagnosis) -> str:
    finding = diagnosis.findings[0]
    return "\n".join([finding.title, *finding.evidence, finding.cause, finding.advice])


def taken(cluster: SimulatedCluster) -> Snapshot:
    return Snapshot(views=tuple(view_of(node.state, node.settings.name, full=True) for node in cluster.nodes.values()))


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
    ("new-keys", None, "new-key", "worker-3 came back with a new WireGuard key at 00:02:00"),
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


# Networks and sizes.


def test_an_endpoint_inside_another_peers_networks() -> None:
    prefix = IPPrefix.parse("198.51.100.0/24")
    outer = AddrPort(ipaddress.ip_address("198.51.100.7"), 51820)
    snapshot = everywhere(healthy(), affiliates=affiliates("controlplane-1", kubespan={"additional_addresses": (prefix,)}))
    snapshot = everywhere(snapshot, affiliates=affiliates("worker-2", kubespan={"endpoints": (outer,)}))
    only(snapshot, "tunnel-in-tunnel", "198.51.100.7:51820 of worker-2 lies in 198.51.100.0/24, which controlplane-1 announces")
    prefix = IPPrefix.parse("172.20.0.6/31")
    snapshot = everywhere(healthy(), affiliates=affiliates("controlplane-1", kubespan={"additional_addresses": (prefix,)}))
    only(snapshot, "overlapping-networks", "controlplane-1 announces 172.20.0.6/31, in which worker-2, worker-3 are")


def test_public_addresses_under_cilium() -> None:
    snapshot = in_view(scene("nat-harvest"), "controlplane-1", cni="Cilium")
    told = text(only(snapshot, "public-address-taken"))
    assert "198.18.0.3" in told
    assert names(in_view(healthy(), "controlplane-1", cni="Cilium")) == []


def test_packet_filter_and_peers_disagree() -> None:
    chains = view(healthy(), "worker-1").chains
    lacking = {name: prefixes[1:] for name, prefixes in chains.items()}
    told = text(only(in_view(healthy(), "worker-1", chains=lacking), "chain-mismatch", "worker-1"))
    assert "kubespan_outgoing lacks 172.20.0.2/31" in told
    moved = {name: (IPPrefix.parse("172.20.0.99/32"), *prefixes[1:]) for name, prefixes in chains.items()}
    assert names(in_view(healthy(), "worker-1", chains=moved)) == ["chain-mismatch"]
    bypass = in_view(healthy(), "worker-1", config=config(force_routing=False))
    assert names(bypass) == ["down-peer-bypass"]


def test_mtu_and_the_network_below() -> None:
    told = text(only(in_view(healthy(), "worker-1", links={"eth0": 1450}), "mtu-too-large", "1420 does not fit eth0"))
    assert "eth0 1450 - 60 (WireGuard over IPv4) = 1390, kubespan 1420" in told
    assert names(in_view(healthy(), "worker-1", links={"eth0": 1480})) == []
    assert names(in_view(healthy(), "worker-1", links={"eth0": 1500})) == []
    assert "mtu-differs" in names(in_view(healthy(), "worker-1", tunnel_mtu=1400))


# Settings.


def test_settings() -> None:
    only(in_view(healthy(), "worker-1", config=config(enabled=False)), "kubespan-disabled", "worker-1")
    only(in_view(healthy(), "worker-1", config=config(force_routing=False)), "down-peer-bypass", "worker-1")
    pods = everywhere(healthy(), config=config(advertise_kubernetes_networks=True))
    assert names(pods) == []
    only(in_view(pods, "worker-1", cni="Calico"), "advertised-networks", "Calico")


CONTROL_PLANE = """\
version: v1alpha1
machine: {type: controlplane}
cluster:
    network: {cni: {name: none}}
    proxy: {disabled: PROXY}
    inlineManifests:
        - name: cilium
          contents: |
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: cilium-config, namespace: kube-system}
            data: {kube-proxy-replacement: strict, ipam: kubernetes, note: "NOTE"}
"""


def configured(*texts: str) -> Snapshot:
    configs = tuple((f"cp{number}.yaml", MachineConfig.load(text, source=f"cp{number}.yaml")) for number, text in enumerate(texts))
    return attrs.evolve(healthy(), configs=configs)


def test_machine_configurations() -> None:
    assert "machine-configuration" in {rule.name for rule in rules()}  # its findings have the names of `cilium check`
    one = CONTROL_PLANE.replace("PROXY", "false")
    assert "proxy-enabled" in names(configured(one))
    strict = CONTROL_PLANE.replace("PROXY", "true")
    assert "proxy-enabled" not in names(configured(strict))
    assert "control-planes-differ" in names(configured(strict, strict.replace("NOTE", "other")))
    assert "control-planes-differ" not in names(configured(strict, strict))


# All of it.


def test_one_node_says_what_it_cannot_know() -> None:
    diagnosis = examine(attrs.evolve(scene("nat"), views=scene("nat").views[-1:]))
    assert [finding.rule for finding in diagnosis.findings] == ["both-behind-nat"]
    assert diagnosis.blind[0].startswith("1 of 6 nodes were looked at")


def test_secrets_are_in_no_finding() -> None:
    for name in ("nat", "filters", "skew"):
        told = json.dumps(examine(scene(name)).to_plain())
        for node in simulated(name).nodes.values():
            for secret in ("privateKey", node._keys.private_key):
                assert secret not in told


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--from", "demo"]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out
    target = str(tmp_path / "nat.zip")
    assert main(["simulate", "--scenario", "nat", "--nodes", "4", "--to", target]) == 0
    capsys.readouterr()
    assert main(["doctor", "--from", target, "-o", "json"]) == 3
    plain = json.loads(capsys.readouterr().out)
    assert (plain["errors"], plain["findings"][0]["rule"]) == (1, "both-behind-nat")
    assert main(["doctor", "--list"]) == 0
    assert "clock-skew" in capsys.readouterr().out
    assert main(["doctor", "--from", "demo", "--config", str(tmp_path / "none.yaml")]) == 1


def test_a_peer_spec_that_cannot_be_read_is_no_crash() -> None:
    snapshot = in_view(healthy(), "worker-1", specs=specs("worker-2", allowed_ips=(None,), endpoints=(None,)), chains={})
    assert "worker-1" in str(examine(snapshot).mesh.nodes)


def test_a_source_without_kubespan_says_so() -> None:
    nothing = everywhere(demo(), statuses=(), specs=(), affiliates=())
    diagnosis = examine(attrs.evolve(nothing, views=nothing.views[:1]))
    assert diagnosis.findings == ()
    assert "no KubeSpan peers here" in diagnosis.blind[0]


def test_traffic_between_two_looks_is_not_lost() -> None:
    def busy(amount: int) -> Snapshot:
        one = in_view(healthy(), "worker-1", statuses=statuses("worker-2", transmit_bytes=amount))
        return in_view(one, "worker-2", statuses=statuses("worker-1", receive_bytes=round(amount * 0.85)))

    assert names(busy(10_000_000)) == []
    half = in_view(busy(10_000_000), "worker-2", statuses=statuses("worker-1", receive_bytes=5_000_000))
    assert names(half) == ["lost-bytes"]
