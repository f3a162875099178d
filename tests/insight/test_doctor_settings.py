"""Networks, sizes, settings, and what holds for all of the doctor."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import attrs
import pytest

from talos_resources import AddrPort, IPPrefix
from talos_resources.cli.main import main
from talos_resources.insight.causes import causes as rules
from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.machineconfig.documents import MachineConfig
from tests.insight.changes import affiliates, config, everywhere, in_view, specs, statuses
from tests.insight.changes import view_of as view
from tests.insight.saying import healthy, names, only, text
from tests.insight.scenes import demo, scene, simulated

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


def test_a_configuration_of_another_cluster() -> None:
    """The file says its cluster in a section, or from Talos 1.14 on in a document; without an id nothing is said."""
    known = view(healthy(), "worker-1").cluster_id
    assert known
    section = "version: v1alpha1\nmachine: {type: worker}\ncluster: {id: WHICH}\n"
    document = (
        "version: v1alpha1\nmachine: {type: worker}\n---\n"
        "apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: WHICH\nclusterSecret: U0VDUkVU\n"
    )
    other = "jJsd28QHDzPuLVfbI6mIj1FpJHvUUWmTvFfJNQf7jaU="
    for form in (section, document):
        assert "different-clusters" not in names(configured(form.replace("WHICH", known)))
        found = examine(configured(form.replace("WHICH", other))).findings
        [finding] = [each for each in found if each.rule == "different-clusters"]
        assert finding.title == "cp0.yaml is of another cluster than the nodes: its cluster id differs"
        assert other not in json.dumps(finding.to_plain())
    assert "different-clusters" not in names(configured("version: v1alpha1\nmachine: {type: worker}\n"))


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
