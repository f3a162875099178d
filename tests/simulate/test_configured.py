"""Simulated nodes act on the configurations that they are given."""

from __future__ import annotations

import ipaddress

import pytest

from talos_resources.kubespan.config import discovery_config, kubespan_config
from talos_resources.machineconfig.configured_node import check
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import ConfigError, NotFoundError
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.releases import release_of
from talos_resources.resources import DiscoveryConfig, KubeSpanConfig, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.apply import ApplyMode, ApplyRequest
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.configured import configuration_of, machines
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import NodeSettings

VERSIONS = ("v1.12.3", "v1.13.0", "v1.14.0")


def running(*, version: str = "v1.14.0", nodes: int = 3, kubespan: bool = True) -> SimulatedCluster:
    cluster = SimulatedCluster()
    for number in range(nodes):
        settings = NodeSettings(name=f"n{number}", control_plane=number == 0, kubespan=kubespan, operating_system=f"Talos ({version})")
        cluster.add(settings, address=ipaddress.IPv4Address(f"172.20.0.{number + 2}"), site="lan")
    cluster.start()
    cluster.run_until(60)
    return cluster


def text_of(node: SimulatedNode) -> str:
    return node.state.get(Stored, "v1alpha1").spec.text


def change(
    cluster: SimulatedCluster, name: str, path: str, value: object, *, kind: str = "KubeSpanConfig", mode: ApplyMode = ApplyMode.AUTO
) -> None:
    node = cluster.nodes[name]
    machine = machines(cluster)(node.state)
    config = MachineConfig.load(text_of(node), release=release_of(node.settings.operating_system[7:-1]))
    machine.apply(ApplyRequest(text=config.with_value(path, value, kind=kind).text().encode(), mode=mode, try_s=300))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "settings",
    [
        NodeSettings(name="n"),
        NodeSettings(name="n", control_plane=True, kubespan=False),
        NodeSettings(
            name="n",
            mtu=1300,
            advertise_pods=True,
            harvest=True,
            force_routing=False,
            endpoint_filters=("0.0.0.0/0", "!10.0.0.0/8"),
            extra_endpoints=(AddrPort.parse("203.0.113.7:51820"),),
        ),
        NodeSettings(name="n", kubespan=False, discovery=False),
    ],
    ids=["plain", "off", "everything", "alone"],
)
def test_the_first_configuration_says_what_the_settings_say_and_is_valid(version: str, settings: NodeSettings) -> None:
    import attrs

    cluster = SimulatedCluster()
    node = cluster.add(attrs.evolve(settings, operating_system=f"Talos ({version})"), address=ipaddress.IPv4Address("172.20.0.2"))
    node.start()
    release = release_of(version)
    config, report = check(configuration_of(node), release=release, mode="cloud")
    assert [str(error) for error in report.errors] == []
    assert kubespan_config(config.documents, release.kubespan) == node.state.get(KubeSpanConfig, "kubespan").spec
    found = discovery_config(config.documents, release.kubespan)
    assert bool(found and found.services) == bool(node.state.get(DiscoveryConfig, "cluster").spec.services) == settings.discovery


@pytest.mark.parametrize("version", VERSIONS)
def test_kubespan_goes_on_and_off(version: str) -> None:
    cluster = running(version=version, kubespan=False)
    assert not any(node.state.list(KubeSpanPeerStatus) for node in cluster.nodes.values())
    kind, path = ("KubeSpanConfig", "enabled") if version > "v1.13" else ("v1alpha1", "machine.network.kubespan.enabled")
    for name in cluster.nodes:
        machines(cluster)(cluster.nodes[name].state)
        change(cluster, name, path, True, kind=kind)
    cluster.run_until(180)
    assert cluster.sample().is_full_mesh
    assert cluster.sample().links == 6
    change(cluster, "n2", path, False, kind=kind)
    cluster.run_until(300)
    off = cluster.nodes["n2"].state
    assert [*off.list(KubeSpanIdentity), *off.list(KubeSpanPeerStatus)] == []
    assert [len(cluster.nodes[name].state.list(KubeSpanPeerStatus)) for name in ("n0", "n1")] == [1, 1]


def test_mtu_filters_and_networks_reach_the_others() -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    change(cluster, "n0", "mtu", 1300)
    change(cluster, "n0", "filters", {"endpoints": ["!172.20.0.0/16"], "excludeAdvertisedNetworks": ["10.9.0.0/16"]})
    cluster.run_until(120)
    config = cluster.nodes["n0"].state.get(KubeSpanConfig, "kubespan").spec
    assert (config.mtu, config.endpoint_filters) == (1300, ("!172.20.0.0/16",))
    assert config.exclude_advertised_networks == (IPPrefix.parse("10.9.0.0/16"),)
    [own] = [spec for spec in cluster.nodes["n1"].state.list(KubeSpanPeerSpec) if spec.spec.label == "n0"]
    assert own.spec.endpoints == ()


def test_discovery_goes_off_and_on() -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    change(cluster, "n0", "enabled", False)
    node = cluster.nodes["n0"]
    config = MachineConfig.load(text_of(node))
    machine = machines(cluster)(node.state)
    machine.apply(ApplyRequest(text=config.without_document("DiscoveryServiceConfig", "default").text().encode()))
    assert not node.state.get(DiscoveryConfig, "cluster").spec.services
    machine.apply(ApplyRequest(text=config.with_value("enabled", True, kind="KubeSpanConfig").text().encode()))
    cluster.run_until(240)
    assert cluster.sample().is_full_mesh


def test_a_trial_ends_in_virtual_time() -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    before = text_of(cluster.nodes["n0"])
    change(cluster, "n0", "enabled", False, mode=ApplyMode.TRY)
    cluster.run_until(240)
    assert len(cluster.nodes["n1"].state.list(KubeSpanPeerStatus)) == 1
    cluster.run_until(600)
    assert text_of(cluster.nodes["n0"]) == before
    assert cluster.sample().is_full_mesh


def test_what_cannot_be_simulated_is_refused() -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    before = text_of(cluster.nodes["n0"])
    with pytest.raises(ConfigError, match="stays in its cluster"):
        change(cluster, "n0", "clusterID", "b3RoZXI=", kind="DiscoveryIdentityConfig")
    assert text_of(cluster.nodes["n0"]) == before
    assert cluster.sample().is_full_mesh


def settled(node: SimulatedNode) -> tuple[str, int]:
    return text_of(node), node.state.get(KubeSpanConfig, "kubespan").spec.mtu


@pytest.mark.parametrize("version", ["v1.12.3", "v1.13.0"])
def test_a_node_reboots_for_a_configuration(version: str) -> None:
    cluster = running(version=version)
    notes: list[str] = []
    node = cluster.nodes["n0"]
    machine = machines(cluster, on_note=notes.append)(node.state)
    config = MachineConfig.load(text_of(node), release=release_of(version))
    kind, path = ("KubeSpanConfig", "mtu") if version > "v1.13" else ("v1alpha1", "machine.network.kubespan.mtu")
    new = config.with_value(path, 1300, kind=kind).text()
    answer = machine.apply(ApplyRequest(text=new.encode(), mode=ApplyMode.REBOOT))
    assert (answer.mode, node.host.online, settled(node)[1]) == (ApplyMode.REBOOT, True, 1420)
    cluster.run_until(65)
    assert (node.host.online, notes) == (False, ["n0 reboots"])
    cluster.run_until(240)
    assert node.host.online
    assert settled(node) == (new, 1300)
    assert cluster.sample().is_full_mesh


def test_a_staged_configuration_is_taken_up_at_the_next_boot() -> None:
    cluster = running()
    node = cluster.nodes["n0"]
    machines(cluster)(node.state)
    change(cluster, "n0", "mtu", 1300, mode=ApplyMode.STAGED)
    assert settled(node)[1] == 1420
    for _ in range(2):  # and it has it again at the one after that
        cluster.network.change(node.stop)
        cluster.network.change(node.start)
        assert settled(node)[1] == 1300
        assert "1300" in settled(node)[0]
    with pytest.raises(NotFoundError):
        node.state.get(Stored, "persistent")


def test_what_is_applied_takes_the_place_of_what_is_staged() -> None:
    cluster = running()
    node = cluster.nodes["n0"]
    machines(cluster)(node.state)
    change(cluster, "n0", "mtu", 1300, mode=ApplyMode.STAGED)
    change(cluster, "n0", "mtu", 1380)
    with pytest.raises(NotFoundError):
        node.state.get(Stored, "persistent")
    cluster.network.change(node.stop)
    cluster.network.change(node.start)
    assert settled(node)[1] == 1380


def test_a_trial_does_not_outlive_the_boot() -> None:
    cluster = running()
    node = cluster.nodes["n0"]
    machines(cluster)(node.state)
    before = settled(node)
    change(cluster, "n0", "mtu", 1300, mode=ApplyMode.TRY)
    assert settled(node)[1] == 1300
    cluster.network.change(node.stop)
    cluster.run_until(120)
    cluster.network.change(node.start)
    assert settled(node) == before
    machines(cluster)(node.state)
    change(cluster, "n0", "mtu", 1380)
    cluster.run_until(600)  # the trial would have ended
    assert settled(node)[1] == 1380


@pytest.mark.parametrize("mode", [ApplyMode.STAGED, ApplyMode.AUTO])
def test_what_cannot_be_acted_on_is_refused_in_every_mode(mode: ApplyMode) -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    with pytest.raises(ConfigError, match="stays in its cluster"):
        change(cluster, "n0", "clusterID", "b3RoZXI=", kind="DiscoveryIdentityConfig", mode=mode)


def test_from_v1_14_on_no_node_reboots_for_a_configuration() -> None:
    cluster = running()
    machines(cluster)(cluster.nodes["n0"].state)
    with pytest.raises(ConfigError, match=r"^Talos v1.14 has no mode reboot"):
        change(cluster, "n0", "mtu", 1300, mode=ApplyMode.REBOOT)
