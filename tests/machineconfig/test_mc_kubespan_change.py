"""KubeSpan switched on, off and set in configurations of every form: valid, and nothing else changes."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.configured_node import check
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_change import with_kubespan
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings
from talos_resources.machineconfig.settings import Settings
from talos_resources.releases import release_of
from tests.machineconfig.made import made

FULL = KubeSpanSettings(
    mtu=1380, filters=("0.0.0.0/0", "!10.0.0.0/8"), extra_endpoints=("203.0.113.7:51820",), harvest_extra_endpoints=True
)


def loaded(role: str, version: str, *, kubespan: bool = False, discovery: bool = True) -> MachineConfig:
    text = made(role, version, kubespan=kubespan, discovery=discovery)  # type: ignore[arg-type]  # a parameter of two values
    return MachineConfig.load(text, release=release_of(version))


def errors(config: MachineConfig, version: str) -> list[str]:
    return list(map(str, check(config.text(), release=release_of(version), mode="metal")[1].errors))


@pytest.mark.parametrize("version", ["v1.12", "v1.13", "v1.14"])
@pytest.mark.parametrize("role", ["controlplane", "worker"])
def test_on_and_off_again_is_what_was_there(role: str, version: str) -> None:
    config = loaded(role, version)
    on = with_kubespan(config, FULL)
    found = Settings.of(on).kubespan
    assert (found.enabled, found.mtu, found.endpoint_filters, found.harvest_extra_endpoints) == (True, 1380, FULL.filters, True)
    assert list(map(str, found.extra_endpoints)) == ["203.0.113.7:51820"]
    assert errors(on, version) == []
    assert with_kubespan(on, FULL) == on, "lists are set, not added to"
    off = with_kubespan(on, KubeSpanSettings(enabled=False))
    assert errors(off, version) == []
    assert not Settings.of(off).kubespan.enabled
    for kind in ("KubeSpanConfig", "KubeSpanEndpointsConfig"):
        off, config = off.without_document(kind), config.without_document(kind)
    if version != "v1.14":
        off = off.with_value("machine.network", config.get("machine.network"))
    assert off.text() == config.text()


@pytest.mark.parametrize("version", ["v1.12", "v1.13", "v1.14"])
@pytest.mark.parametrize("role", ["controlplane", "worker"])
def test_discovery_comes_on_in_the_form_that_the_rest_has(role: str, version: str) -> None:
    config = loaded(role, version, discovery=False)
    assert not Settings.of(config).discovery.enabled
    on = with_kubespan(config, KubeSpanSettings(), discovery=True)
    assert errors(on, version) == []
    assert Settings.of(on).discovery.enabled
    assert (on.get("cluster.discovery") is None) == (version == "v1.14")


def test_sections_beside_documents_of_discovery_get_no_second_discovery() -> None:
    config = loaded("worker", "v1.14")
    mixed = config.with_value("cluster.network", {"podSubnets": ["10.244.0.0/16"]}).without_document("KubeNetworkConfig")
    for services, discovery in ((mixed, False), (mixed.without_document("DiscoveryServiceConfig", "default"), True)):
        on = with_kubespan(services, KubeSpanSettings(), discovery=discovery)
        assert on.get("cluster.discovery") is None
        assert len(on.all("DiscoveryServiceConfig")) == 1
