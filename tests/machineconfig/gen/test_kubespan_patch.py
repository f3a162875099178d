"""`kubespan patch`: settings, their checks, and the patch."""

from __future__ import annotations

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch, parse_mtu
from talos_resources.model.errors import ConfigError


def test_the_guides_patch_for_an_existing_cluster() -> None:
    config = MachineConfig.load(kubespan_patch(KubeSpanSettings()))
    assert config.get("machine.network.kubespan") == {"enabled": True}
    assert config.get("cluster.discovery") == {"enabled": True}


def test_all_settings_of_the_guide() -> None:
    settings = KubeSpanSettings(
        mtu=1420,
        filters=("0.0.0.0/0", "::/0", "!10.0.0.1"),
        extra_endpoints=("203.0.113.7:51820", "[2001:db8::1]:51820"),
        advertise_kubernetes_networks=False,
        allow_down_peer_bypass=False,
        harvest_extra_endpoints=True,
    )
    text = kubespan_patch(settings)
    config = MachineConfig.load(text)
    block = text[text.index("        kubespan:") : text.index("cluster:")]
    assert block in config.text(), "in Talos' own order"
    assert config.get("machine.network.kubespan.filters.endpoints") == ["0.0.0.0/0", "::/0", "!10.0.0.1"]
    assert config.get("extraAnnouncedEndpoints", kind="KubeSpanEndpointsConfig") == ["203.0.113.7:51820", "[2001:db8::1]:51820"]


@pytest.mark.parametrize(("text", "mtu"), [("1420", 1420), ("auto:1500", 1420), ("auto:1450", 1370), ("1280", 1280), ("auto:1360", 1280)])
def test_mtus(text: str, mtu: int) -> None:
    assert parse_mtu(text) == mtu


@pytest.mark.parametrize(
    ("text", "words"),
    [("auto", "invalid MTU"), ("-1", "invalid MTU"), ("auto:1359", r"1279 \(1359 - 80\) is too small"), ("70000", "more than")],
)
def test_mtus_that_do_not_work(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_mtu(text)


@pytest.mark.parametrize("text", ["example.org", "10.0.0.0/33", "!!10.0.0.1", ""])
def test_filters_that_do_not_work(text: str) -> None:
    with pytest.raises(ConfigError, match="invalid endpoint filter"):
        kubespan_patch(KubeSpanSettings(filters=(text,)))


@pytest.mark.parametrize("text", ["10.0.0.1", "host:51820", "2001:db8::1:51820", "10.0.0.1:0", "10.0.0.1:70000", "[10.0.0.1]:1"])
def test_endpoints_that_do_not_work(text: str) -> None:
    with pytest.raises(ConfigError, match="invalid endpoint"):
        kubespan_patch(KubeSpanSettings(extra_endpoints=(text,)))


def test_the_command_warns_of_what_the_guide_warns_of(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["kubespan", "patch", "--mtu", "auto:1500", "--advertise-kubernetes-networks", "--allow-down-peer-bypass"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert MachineConfig.load(captured.out).get("machine.network.kubespan.mtu") == 1420
    assert "Cilium or Calico" in captured.err
    assert "unencrypted" in captured.err
    assert main(["kubespan", "patch", "--disable"]) == 0
    assert capsys.readouterr().out == "machine:\n    network:\n        kubespan:\n            enabled: false\n"
