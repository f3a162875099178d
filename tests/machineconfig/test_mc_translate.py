"""Patches in the words of older releases, for configurations whose documents say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.bundle import make_configs
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.machineconfig.migrate.run import migrate
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.validate import validate
from talos_resources.releases import Contract, known_release

URL: Final = "https://a.example/x/cilium.yaml"
VALUES: Final[dict[str, Any]] = {
    "cluster.discovery.enabled": False,
    "cluster.discovery.registries.service.endpoint": "https://d.example/",
    "cluster.network.cni": {"name": "none"},
    "cluster.network.cni.name": "none",
    "cluster.network.podSubnets": ["10.9.0.0/16"],
    "cluster.network.dnsDomain": "x.example",
    "cluster.proxy.disabled": True,
    "cluster.proxy.mode": "nftables",
    "cluster.proxy.extraArgs.v": "4",
    "cluster.coreDNS.disabled": True,
    "cluster.allowSchedulingOnControlPlanes": True,
    "cluster.apiServer.extraArgs.v": "4",
    "cluster.apiServer.resources.requests.cpu": "1",
    "cluster.controllerManager.extraArgs.v": "4",
    "cluster.scheduler.config.a": "b",
    "cluster.scheduler.env.A": "b",
    "cluster.clusterName": "other",
    "cluster.controlPlane.endpoint": "https://other:6443",
    "cluster.extraManifestHeaders.a": "b",
    "machine.network.kubespan": {"enabled": True},
    "machine.network.kubespan.enabled": True,
    "machine.network.kubespan.mtu": 1380,
    "machine.network.kubespan.filters.endpoints": ["0.0.0.0/0"],
    "machine.network.hostname": "n-1",
    "machine.network.nameservers": ["1.1.1.1"],
    "machine.network.disableSearchDomain": True,
    "machine.features.hostDNS.enabled": True,
    "machine.features.hostDNS.resolveMemberNames": True,
    "machine.features.kubePrism.enabled": False,
    "machine.features.kubePrism.port": 7446,
    "machine.features.imageCache.localEnabled": True,
    "machine.kubelet.extraArgs.v": "4",
    "machine.kubelet.extraConfig.maxPods": 99,
    "machine.kubelet.clusterDNS": ["10.96.0.9"],
    "machine.kubelet.nodeIP.validSubnets": ["10.0.0.0/8"],
    "machine.kubelet.registerWithFQDN": True,
    "machine.nodeLabels.a": "b",
    "machine.nodeTaints.a": "b:NoSchedule",
    "machine.install.disk": "/dev/vdb",
    "machine.install.wipe": True,
    "machine.time.servers": ["t.example"],
    "machine.time.disabled": True,
    "machine.sysctls.a": "b",
    "machine.sysfs.a": "b",
    "machine.env.A": "b",
    "machine.udev.rules": ["a"],
    "machine.kernel.modules": [{"name": "br_netfilter"}],
    "machine.registries.mirrors.ghcr": {"endpoints": ["https://m.example"]},
    "machine.systemDiskEncryption.state": {"provider": "luks2", "keys": [{"slot": 0, "nodeID": {}}]},
    "cluster.inlineManifests": [{"name": "a", "contents": "b: c\n"}],
    "cluster.extraManifests": [URL],
}
"""A value for each kind of old place; none of these keys has a dot."""


@pytest.fixture(scope="module")
def secrets() -> SecretsBundle:
    return generate(now=datetime(2026, 11, 30, tzinfo=UTC), contract=Contract(1, 6))


@pytest.fixture(scope="module")
def configs(secrets: SecretsBundle) -> dict[str, MachineConfig]:
    made = make_configs(GenOptions(cluster_name="c", endpoint="https://k:6443"), secrets)
    bare = make_configs(GenOptions(cluster_name="c", endpoint="https://k:6443", skip_kubernetes=True), secrets)
    texts = {"cp": made.control_plane, "worker": made.worker, "bare cp": bare.control_plane, "bare worker": bare.worker}
    return {name: MachineConfig.load(text) for name, text in texts.items()}


def _nested(path: str, value: Any) -> dict[str, Any]:
    for step in reversed(path.split(".")):
        value = {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("name", "path"), [(("cp", "worker", "bare cp")[number % 3], path) for number, path in enumerate(VALUES)])
def test_a_json_patch_in_the_old_words_does_what_the_strategic_one_does(configs: dict[str, MachineConfig], name: str, path: str) -> None:
    config, value = configs[name], VALUES[path]
    strategic, told = patch_config(config, [parse_patch(json.dumps(_nested(path, value)))])
    operation = {"op": "add", "path": "/" + path.replace(".", "/"), "value": value}
    patched, told_too = patch_config(config, [parse_patch(json.dumps([operation]))])
    assert _plain(patched) == _plain(strategic)
    assert told_too, path
    assert told
    needs_more = name.startswith("bare") and any("stays: " in note for note in told)
    assert needs_more or not validate(patched, "cloud").errors, validate(patched, "cloud").errors


def _plain(config: MachineConfig) -> dict[tuple[str, str], str]:
    return {document.key: document.text() for document in config.documents}


def test_replaced_and_appended_items_reach_the_documents(configs: dict[str, MachineConfig]) -> None:
    operations = [
        {"op": "replace", "path": "/cluster/network/cni/name", "value": "none"},
        {"op": "add", "path": "/cluster/inlineManifests/-", "value": {"name": "a", "contents": "b: c\n"}},
        {"op": "add", "path": "/cluster/apiServer/certSANs/-", "value": "a.example"},
        {"op": "test", "path": "/machine/kubelet/defaultRuntimeSeccompProfileEnabled", "value": True},
        {"op": "add", "path": "/machine/certSANs/-", "value": "a.example"},
    ]
    patched, notes = patch_config(configs["cp"], [parse_patch(json.dumps(operations))])
    assert patched.find("KubeFlannelCNIConfig") is None
    assert patched.get("manifest", kind="KubeInlineManifestConfig", name="a") == "b: c\n"
    assert patched.get("certExtraSANs", kind="KubeAPIServerConfig") == ["a.example"]
    assert notes[-1] == "machine.certSANs.- was set in the v1alpha1 document (a JSON patch cannot name another one)"
    assert not validate(patched, "cloud").errors


def test_what_is_not_there_in_the_old_words_either_is_refused(configs: dict[str, MachineConfig]) -> None:
    for op, path in (("remove", "/cluster/proxy/mode"), ("test", "/cluster/coreDNS/image"), ("add", "/machine/logging/destinations/-")):
        with pytest.raises(Exception, match="operation 1"):
            patch_config(configs["cp"], [parse_patch(json.dumps([{"op": op, "path": path, "value": "x"}]))])


@pytest.fixture
def folder(tmp_path: Path, secrets: SecretsBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "secrets.yaml").write_text(secrets.to_yaml())
    monkeypatch.chdir(tmp_path)
    return tmp_path


CNI_NONE: Final = '[{"op":"add", "path": "/cluster/network/cni", "value": {"name": "none"}}]'
COMMON: Final = ["gen", "config", "c", "https://k:6443", "--with-secrets", "secrets.yaml", "-o", ".", "-t", "controlplane,worker"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("skip", [[], ["--skip-k8s-etcd"]])
@pytest.mark.parametrize("file", ["controlplane.yaml", "worker.yaml"])
def test_comments_are_kept_by_whatever_is_translated(file: str, skip: list[str]) -> None:
    assert main([*COMMON, *skip]) == 0
    text = f"# ours\n{Path(file).read_text()}# end\n"
    Path(file).write_text(text)
    for patch in (CNI_NONE, '[{"op": "add", "path": "/machine/network/kubespan/enabled", "value": true}]'):
        assert main(["machineconfig", "patch", file, "--patch", patch, "-o", "plain.yaml"]) == 0
        assert main(["machineconfig", "patch", file, "--patch", patch, "--keep-comments", "-o", "kept.yaml"]) == 0
        plain, kept = (MachineConfig.load(Path(name).read_text()) for name in ("plain.yaml", "kept.yaml"))
        assert _plain(plain) == _plain(kept)
        assert Path("kept.yaml").read_text().startswith("# ours\n")
        assert main(["validate", "kept.yaml", "-m", "cloud"]) == 0


def _notes(config: MachineConfig, patch: str) -> Iterator[str]:
    yield from patch_config(config, [parse_patch(patch)])[1]


@pytest.mark.parametrize(
    ("name", "patch", "lines"),
    [
        ("worker", CNI_NONE, ["cluster.network.cni is for control planes only: left out"]),
        ("worker", "cluster: {allowSchedulingOnControlPlanes: true}", ["cluster.allowSchedulingOnControlPlanes is for control planes only: left out"]),
        ("worker", "cluster: {proxy: {disabled: true, mode: nftables}}", ["cluster.proxy.disabled, cluster.proxy.mode are for control planes only: left out"]),
        ("cp", "machine: {network: {kubespan: {enabled: true}}}", ["Talos v1.14 keeps KubeSpan in documents: machine.network.kubespan.enabled → KubeSpanConfig added"]),
        ("cp", "cluster: {discovery: {enabled: true}}", ["Talos v1.14 keeps discovery in documents: cluster.discovery.enabled → nothing to change"]),
        ("cp", f"cluster: {{network: {{cni: {{name: custom, urls: [{URL}]}}}}}}", ["Talos v1.14 keeps networks and the CNI in documents: cluster.network.cni.name, cluster.network.cni.urls → KubeFlannelCNIConfig left out, KubeExternalManifestConfig/cilium added"]),
        ("cp", "machine: {kubelet: {disableManifestsDirectory: true}}", ["machine.kubelet.disableManifestsDirectory means nothing any more: left out"]),
        ("cp", "cluster: {apiServer: {disablePodSecurityPolicy: true, certSANs: [a.example]}}", ["cluster.apiServer.disablePodSecurityPolicy means nothing any more: left out", "Talos v1.14 keeps the API server in documents: cluster.apiServer.certSANs → KubeAPIServerConfig changed"]),
        ("bare cp", CNI_NONE, ["Talos v1.14 keeps networks and the CNI in documents: cluster.network.cni → nothing to change"]),
        ("cp", "machine: {certSANs: [a.example]}", []),
    ],
)  # fmt: skip
def test_what_is_done_and_what_is_left_out_is_told(configs: dict[str, MachineConfig], name: str, patch: str, lines: list[str]) -> None:
    assert list(_notes(configs[name], patch)) == lines


@pytest.mark.usefixtures("folder")
def test_gen_config_says_whose_configuration_it_speaks_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMON, "--config-patch", CNI_NONE, "--config-patch", "machine: {network: {kubespan: {enabled: true}}}"]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: Talos v1.14 keeps networks and the CNI in documents: cluster.network.cni → KubeFlannelCNIConfig left out (control planes)",
        "note: Talos v1.14 keeps KubeSpan in documents: machine.network.kubespan.enabled → KubeSpanConfig added",
        "note: cluster.network.cni is for control planes only: left out (workers)",
    ]


SECTIONS: Final = """\
machine: {type: controlplane, kubelet: {image: k}, install: {disk: /dev/sda}}
cluster:
  clusterName: c
  controlPlane: {endpoint: https://k:6443}
"""


@pytest.mark.parametrize(
    "document",
    [
        "kind: SysctlConfig\nparams: {a: b}",
        "kind: KubeInlineManifestConfig\nname: a\nmanifest: b",
        "kind: DiscoveryServiceConfig\nname: default\nendpoint: https://d.example/",
    ],
)
def test_a_document_beside_sections_does_not_switch_off_what_they_do_not_say(document: str) -> None:
    config = MachineConfig.load(f"{SECTIONS}---\napiVersion: v1alpha1\n{document}\n")
    back = migrate(config, to=known_release("v1.12")).config
    assert back.get("cluster.network.cni.name") is None
    assert back.get("cluster.proxy.disabled") is None
    assert back.get("cluster.coreDNS.disabled") is None
