"""`kubespan patch`: settings, their checks, and the patch."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch, notes, parse_mtu
from talos_resources.machineconfig.meaning.means import meaning
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, Contract

V1_12 = Contract(1, 12)


def test_the_guides_patch_for_an_existing_cluster() -> None:
    config = MachineConfig.load(kubespan_patch(KubeSpanSettings(), contract=V1_12))
    assert config.get("machine.network.kubespan") == {"enabled": True}
    assert config.get("cluster.discovery") == {"enabled": True}


def test_each_version_has_its_form() -> None:
    sections, middle, documents = (kubespan_patch(KubeSpanSettings(mtu=1400), contract=Contract(1, minor)) for minor in (12, 13, 14))
    assert [document.kind for document in MachineConfig.load(sections).documents] == ["v1alpha1"]
    assert [document.kind for document in MachineConfig.load(middle).documents] == ["v1alpha1", "KubeSpanConfig"]
    assert [document.kind for document in MachineConfig.load(documents).documents] == ["KubeSpanConfig"]
    with_discovery = MachineConfig.load(kubespan_patch(KubeSpanSettings(), discovery=True))
    assert with_discovery.get("endpoint", kind="DiscoveryServiceConfig", name="default") == "https://discovery.talos.dev/"


@pytest.mark.parametrize("contract", [Contract(1, 12), Contract(1, 13), CURRENT], ids=str)
def test_all_settings_of_the_guide(contract: Contract) -> None:
    settings = KubeSpanSettings(
        mtu=1420,
        filters=("0.0.0.0/0", "::/0", "!10.0.0.1"),
        extra_endpoints=("203.0.113.7:51820", "[2001:db8::1]:51820"),
        advertise_kubernetes_networks=False,
        allow_down_peer_bypass=False,
        harvest_extra_endpoints=True,
    )
    text = kubespan_patch(settings, contract=contract)
    config = MachineConfig.load(text)
    if contract == V1_12:
        block = text[text.index("        kubespan:") : text.index("cluster:")]
        assert block in config.text(), "in Talos' own order"
    elif contract == CURRENT:
        assert config.text() == text, "in Talos' own order"
    found = meaning(config)["KubeSpan"]
    assert found["filters"] == {"endpoints": ["0.0.0.0/0", "::/0", "!10.0.0.1"]}
    assert (found["mtu"], found["harvestExtraEndpoints"], found["enabled"]) == (1420, True, True)
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
    assert MachineConfig.load(captured.out).get("mtu", kind="KubeSpanConfig") == 1420
    assert "Cilium or Calico" in captured.err
    assert "unencrypted" in captured.err
    assert "needs a DiscoveryServiceConfig" in captured.err
    assert main(["kubespan", "patch", "--disable", "--talos-version", "v1.12"]) == 0
    assert capsys.readouterr().out == "machine:\n    network:\n        kubespan:\n            enabled: false\n"


def test_the_patch_fits_the_configuration_that_it_is_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text("machine: {type: worker}\ncluster: {}\n")
    new.write_text("machine: {type: worker}\n---\napiVersion: v1alpha1\nkind: KubePrismConfig\nport: 7445\n")
    assert main(["kubespan", "patch", "--for", str(old)]) == 0
    assert capsys.readouterr() == (
        "machine:\n    network:\n        kubespan:\n            enabled: true\ncluster:\n    discovery:\n        enabled: true\n",
        "",
    )
    assert main(["kubespan", "patch", "--for", str(new)]) == 0
    kinds = [document.kind for document in MachineConfig.load(capsys.readouterr().out).documents]
    assert kinds == ["KubeSpanConfig", "DiscoveryServiceConfig"]
    assert main(["kubespan", "patch", "--for", str(tmp_path / "nope.yaml")]) == 1
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("filters", "existing", "warned"),
    [
        (("!10.0.0.0/8",), (), True),
        (("!10.0.0.0/8",), ("0.0.0.0/0",), False),
        (("!10.0.0.0/8",), ("!192.168.0.0/16",), True),
        (("0.0.0.0/0", "!10.0.0.0/8"), (), False),
        ((), (), False),
    ],
)
def test_filters_that_only_exclude_are_warned_of(filters: tuple[str, ...], existing: tuple[str, ...], warned: bool) -> None:
    found = notes(KubeSpanSettings(filters=filters), existing=existing)
    assert any("advertise no endpoint at all" in note for note in found) is warned
