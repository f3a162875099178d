"""Validation: what the recorded cases leave out, and the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.validate import validate
from talos_resources.model.errors import ConfigError

VALID = """\
machine:
    type: controlplane
    ca: {crt: Zm9v, key: Zm9v}
    install: {disk: /dev/sda}
cluster:
    controlPlane: {endpoint: "https://a.example.org:6443"}
"""

MIRROR = "apiVersion: v1alpha1\nkind: RegistryMirrorConfig\nname: a\nendpoints:\n"


def faults(patch: str, *, mode: str = "metal", valid: str = VALID) -> list[str]:
    """The paths of what is wrong with the valid configuration once it is patched."""
    from talos_resources.machineconfig.patch.apply import patch_config
    from talos_resources.machineconfig.patch.load import parse_patch

    config, _ = patch_config(MachineConfig.load(valid), [parse_patch(patch)])
    report = validate(config, mode)
    return [fault.path for fault in report.errors]


def test_the_valid_one_is_valid() -> None:
    assert faults("machine: {}") == []


@pytest.mark.parametrize(
    ("patch", "paths"),
    [
        ("machine: {install: {disk: {$patch: delete}, diskSelector: {size: '>= 10GB'}}}", []),
        ("machine: {install: {disk: {$patch: delete}}}", ["machine.install"]),
        ("machine: {features: {hostDNS: {forwardKubeDNSToHost: true}}}", ["machine.features.hostDNS.forwardKubeDNSToHost"]),
        ("machine: {kubelet: {extraConfig: {port: 1}}}", ["machine.kubelet.extraConfig.port"]),
        ("machine: {nodeTaints: {a: 'x:NoSchedule', b: NoExecute}}", []),
        ("machine: {nodeTaints: {a: 'x:Never'}}", ["machine.nodeTaints"]),
        ("machine: {nodeAnnotations: {'a b': x}}", ["machine.nodeAnnotations"]),
        ("machine: {disks: [{device: /a, partitions: [{}, {size: 1GB}]}]}", ["machine.disks[0].partitions[0]"]),
        (MIRROR + "  - url: https://a.b\n  - url: http://c\n", []),
        (MIRROR + "  - {}\n  - url: a.b:443\n", ["RegistryMirrorConfig/a.endpoints[0].url", "RegistryMirrorConfig/a.endpoints[1].url"]),
        ("machine: {registries: {mirrors: {a: ~}}}", ["machine.registries.mirrors.a"]),
        ("machine: {systemDiskEncryption: {state: {provider: luks2, keys: []}}}", ["machine.systemDiskEncryption.state.keys"]),
        ("machine: {features: {kubernetesTalosAPIAccess: {enabled: true, allowedRoles: [os:root]}}}",
         ["machine.features.kubernetesTalosAPIAccess.allowedRoles"]),
        ("machine: {network: {interfaces: [{interface: a, deviceSelector: {driver: x}}]}}", ["machine.network.interfaces[0]"]),
        ("machine: {network: {interfaces: [{interface: a, routes: [{network: x, gateway: y}]}]}}",
         ["machine.network.interfaces[0].routes[0].network", "machine.network.interfaces[0].routes[0].gateway"]),
        ("machine: {network: {interfaces: [{interface: b, bond: {mode: 802.3ad, lacpRate: fast, interfaces: [x]}}]}}", []),
        ("machine: {network: {interfaces: [{interface: b, bond: {mode: nope, interfaces: [x]}}]}}",
         ["machine.network.interfaces[0].bond.mode"]),
        ("machine: {network: {interfaces: [{interface: b, bond: {mode: 802.3ad, interfaces: [x]}}, {interface: x, dhcp: true}]}}",
         ["machine.network.interfaces[1]"]),
        ("machine: {network: {interfaces: [{interface: w, wireguard: {privateKey: x, peers: [{publicKey: y, allowedIPs: [z]}]}}]}}",
         ["machine.network.interfaces[0].wireguard.privateKey", "machine.network.interfaces[0].wireguard.peers[0].publicKey",
          "machine.network.interfaces[0].wireguard.peers[0].allowedIPs"]),
        ("cluster: {etcd: {ca: {crt: '', key: ''}, subnet: 10.0.0.0/8, advertisedSubnets: [10.0.0.0/8]}}", ["cluster.etcd.subnet"]),
        ("cluster: {externalCloudProvider: {manifests: ['https://a/']}}", ["cluster.externalCloudProvider.manifests"]),
        ("cluster: {apiServer: {resources: {requests: {disk: 1}}}}", ["cluster.apiServer.resources.requests.disk"]),
        ("apiVersion: v1alpha1\nkind: NetworkRuleConfig\nname: a\nportSelector: {ports: [9-5], protocol: tcp}\ningress: []",
         ["NetworkRuleConfig/a.portSelector.ports"]),
        ("apiVersion: v1alpha1\nkind: HostnameConfig\nauto: talos-addr", ["HostnameConfig"]),
        ("apiVersion: v1alpha1\nkind: KmsgLogConfig\nname: a\nurl: ''", ["KmsgLogConfig/a"]),
    ],
)  # fmt: skip
def test_faults_have_paths(patch: str, paths: list[str]) -> None:
    assert faults(patch) == paths


def test_there_is_a_list_of_modes() -> None:
    with pytest.raises(ConfigError, match="cloud, container, metal"):
        validate(MachineConfig.load(VALID), "vm")


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(VALID + "    network: {cni: {name: custom}}\n")
    assert main(["validate", "c.yaml", "--mode", "metal"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "c.yaml is valid for metal mode\n"
    assert captured.err == 'WARNING: cluster.network.cni.urls: should not be empty with the CNI "custom"\n'
    assert main(["validate", "-c", "c.yaml", "-m", "metal", "--strict"]) == 1
    assert capsys.readouterr().err.startswith("ERROR: cluster.network.cni.urls")
    assert main(["validate", "--mode", "metal"]) == 1
    assert main(["validate", "c.yaml"]) == 2


def test_explain_tells_what_the_guide_warns_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "worker.yaml"
    file.write_text(
        VALID.replace("controlplane", "worker").replace(", key: Zm9v", "") + "    inlineManifests: [{name: cilium, contents: 'a: b'}]\n"
    )
    assert main(["validate", str(file), "--mode", "metal"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["validate", str(file), "--mode", "metal", "--explain"]) == 0
    assert "inline manifest" in capsys.readouterr().err
