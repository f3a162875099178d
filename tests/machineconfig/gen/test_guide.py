"""The guide's commands as it prints them, for every contract that users run, through our own validate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs
import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.cilium.machine import MachineFacts, machine_facts
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.machineconfig.meaning.means import meaning
from talos_resources.releases import CONTRACTS, CURRENT, Contract

NAMES: Final = ["my-cluster", "https://mycluster.local:6443"]
CNI_NONE: Final = '[{"op":"add", "path": "/cluster/network/cni", "value": {"name": "none"}}]'
STRICT: Final = (
    '[{"op": "add", "path": "/cluster/proxy", "value": {"disabled": true}}, '
    '{"op":"add", "path": "/cluster/network/cni", "value": {"name": "none"}}]'
)
URL: Final = "https://server.yourdomain.tld/some/path/cilium.yaml"
HOSTED: Final = f'[{{"op":"add", "path": "/cluster/network/cni", "value": {{"name": "custom", "urls": ["{URL}"]}}}}]'
INLINE: Final = """\
cluster:
  inlineManifests:
    - name: cilium
      contents: |
        --
        # Source: cilium/templates/cilium-agent/serviceaccount.yaml
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: "cilium"
          namespace: kube-system
"""
EXISTING: Final = "machine:\n  network:\n    kubespan:\n      enabled: true\ncluster:\n  discovery:\n    enabled: true\n"
SETTINGS: Final = """\
machine:
    network:
        kubespan:
            enabled: true # Enable the KubeSpan feature.
            advertiseKubernetesNetworks: false
            allowDownPeerBypass: false
            mtu: 1420
            filters:
                endpoints:
                    - 0.0.0.0/0
                    - '!192.168.0.0/16'
                    - ::/0
cluster:
    discovery:
        enabled: true
        registries:
            kubernetes: # Kubernetes registry is problematic with KubeSpan
              disabled: true
            service: {}
"""
TODAY: Final = [contract for contract in CONTRACTS if contract >= Contract(1, 9)]


@attrs.frozen
class Command:
    """One of the guide's, and what has to be so afterwards."""

    arguments: tuple[str, ...]
    cni: str = "flannel"
    proxy: bool = True
    kubespan: int | None = None
    inline: int = 0
    urls: tuple[str, ...] = ()

    def holds(self, facts: MachineFacts) -> bool:
        if facts.role == "worker":
            return facts.kubespan_mtu == self.kubespan and facts.discovers
        mine = (self.cni, self.proxy, self.kubespan, self.inline, self.urls)
        cni = "none" if facts.cni == "custom" else facts.cni
        return mine == (cni, facts.proxy_runs, facts.kubespan_mtu, len(facts.inline), facts.manifest_urls)


COMMANDS: Final = {
    "preparation": Command(("--config-patch", CNI_NONE), cni="none"),
    "preparation, strict": Command(("--config-patch", STRICT), cni="none", proxy=False),
    "method 3": Command(("--config-patch", HOSTED), cni="none", urls=(URL,)),
    "method 4": Command(("--config-patch", CNI_NONE, "--config-patch-control-plane", INLINE), cni="none", inline=1),
    "method 4, strict": Command(("--config-patch", STRICT, "--config-patch-control-plane", INLINE), cni="none", proxy=False, inline=1),
    "KubeSpan, new cluster": Command(("--with-kubespan",), kubespan=1420),
    "KubeSpan, existing cluster": Command(("--config-patch", EXISTING), kubespan=1420),
    "KubeSpan, settings": Command(("--config-patch", SETTINGS), kubespan=1420),
    "KubeSpan, settings on the flag": Command(("--with-kubespan", "--config-patch", SETTINGS), kubespan=1420),
    "all of it": Command(
        ("--with-kubespan", "--config-patch", STRICT, "--config-patch", SETTINGS, "--config-patch-control-plane", INLINE),
        cni="none", proxy=False, kubespan=1420, inline=1,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def bundle() -> SecretsBundle:
    from datetime import UTC, datetime

    return generate(now=datetime(2026, 11, 23, tzinfo=UTC), contract=Contract(1, 6))


@pytest.fixture
def folder(tmp_path: Path, bundle: SecretsBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "secrets.yaml").write_text(bundle.to_yaml())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("contract", TODAY, ids=str)
@pytest.mark.parametrize("name", COMMANDS)
def test_it_does_what_the_guide_says_on_every_version(name: str, contract: Contract, capsys: pytest.CaptureFixture[str]) -> None:
    command = COMMANDS[name]
    common = ["--with-secrets", "secrets.yaml", "--talos-version", str(contract), "-o", "out", "-t", "controlplane,worker"]
    assert main(["gen", "config", *NAMES, *common, *command.arguments]) == 0
    for file in ("controlplane.yaml", "worker.yaml"):
        config = MachineConfig.load(Path("out", file).read_text())
        assert command.holds(machine_facts(config)), machine_facts(config)
        assert main(["validate", f"out/{file}", "--mode", "metal"]) == 0, capsys.readouterr().err
    told = "in documents: " in capsys.readouterr().err
    late = contract == Contract(1, 13) and "--with-kubespan" in command.arguments
    assert told is ((contract == CURRENT or late) and "--config-patch" in command.arguments)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("contract", TODAY, ids=str)
@pytest.mark.parametrize("keep", [[], ["--keep-comments"]])
def test_patching_afterwards_is_the_same_as_generating(contract: Contract, keep: list[str]) -> None:
    common = ["--with-secrets", "secrets.yaml", "--talos-version", str(contract), "-t", "controlplane"]
    assert main(["gen", "config", *NAMES, *common, "-o", "plain.yaml"]) == 0
    assert main(["gen", "config", *NAMES, *common, "-o", "wanted.yaml", "--config-patch", STRICT, "--config-patch", SETTINGS]) == 0
    text = Path("plain.yaml").read_text()
    Path("plain.yaml").write_text(f"# ours\n{text}")
    assert main(["machineconfig", "patch", "plain.yaml", "--patch", STRICT, "--patch", SETTINGS, *keep, "-o", "patched.yaml"]) == 0
    patched, wanted = (MachineConfig.load(Path(name).read_text()) for name in ("patched.yaml", "wanted.yaml"))
    assert meaning(patched) == meaning(wanted)
    assert Path("patched.yaml").read_text().startswith("# ours\n") is bool(keep)


@pytest.mark.usefixtures("folder")
def test_talosctl_of_today_refuses_or_spoils_what_the_guide_says(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "out", "--compat", "talosctl"]
    assert main([*common, "--config-patch", CNI_NONE]) == 1
    assert "JSON patches are not supported" in capsys.readouterr().err
    assert main([*common, "--config-patch", "cluster: {network: {cni: {name: none}}}"]) == 0
    assert main(["validate", "out/controlplane.yaml", "--mode", "metal"]) == 1


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("patch", "note"),
    [
        ("cluster: {allowSchedulingOnControlPlanes: true}", "KubeNodeConfig changed"),
        ("cluster: {coreDNS: {disabled: true}}", "KubeCoreDNSConfig changed"),
        ("cluster: {discovery: {enabled: false}}", "DiscoveryServiceConfig/default left out"),
        ("cluster: {extraManifests: [https://a.example/x.yaml]}", "KubeExternalManifestConfig/x added"),
        ("machine: {kubelet: {extraArgs: {v: '4'}}}", "KubeletConfig changed"),
        ("machine: {nodeLabels: {a: b}}", "KubeNodeConfig changed"),
        ("machine: {nodeLabels: {node.kubernetes.io/exclude-from-external-load-balancers: {$patch: delete}}}", "KubeNodeConfig changed"),
        ("machine: {install: {disk: /dev/vda}}", "UnattendedInstallConfig changed"),
        ("machine: {network: {hostname: cp-1}}", "HostnameConfig changed"),
        ("machine: {network: {nameservers: [1.1.1.1]}}", "ResolverConfig changed"),
        ("machine: {time: {servers: [time.example]}}", "TimeSyncConfig added"),
        ("machine: {sysctls: {a: b}}", "SysctlConfig added"),
        ("cluster: {apiServer: {certSANs: [a.example]}}", "KubeAPIServerConfig changed"),
        ("cluster: {apiServer: {auditPolicy: {$patch: delete}}}", "KubeAuditPolicyConfig left out"),
        ("cluster: {network: {podSubnets: [10.1.0.0/16]}}", "KubeNetworkConfig changed"),
    ],
)
def test_other_old_sections_reach_their_documents(patch: str, note: str, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "cp.yaml", "-t", "controlplane"]
    assert main([*common, "--config-patch-control-plane", patch]) == 0
    assert note in capsys.readouterr().err
    assert main(["validate", "cp.yaml", "--mode", "metal"]) == 0, capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_the_only_document_beside_the_sections_may_be_the_one_that_is_patched(capsys: pytest.CaptureFixture[str]) -> None:
    """What `gen config` for v1.12 makes has HostnameConfig and no other document."""
    common = ["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "cp.yaml", "-t", "controlplane", "--talos-version", "v1.12"]
    patch = '[{"op": "add", "path": "/machine/network", "value": {"hostname": "x"}}]'
    assert main(common) == 0
    assert main(["machineconfig", "patch", "cp.yaml", "--patch", patch]) == 0
    captured = capsys.readouterr()
    assert "kind: HostnameConfig\nhostname: x\n" in captured.out
    assert "HostnameConfig changed" in captured.err


@pytest.mark.usefixtures("folder")
def test_a_patch_that_no_document_can_hold_makes_the_section_again_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "cp.yaml", "-t", "controlplane"]
    patch = "cluster: {apiServer: {extraVolumes: [{hostPath: /a, mountPath: /b}]}}"
    assert main([*common, "--config-patch-control-plane", patch]) == 0
    assert "cluster.apiServer stays: extraVolumes has no successor" in capsys.readouterr().err
    assert main(["validate", "cp.yaml", "--mode", "metal"]) == 0, capsys.readouterr().err
    config = MachineConfig.load(Path("cp.yaml").read_text())
    assert config.get("cluster.apiServer.image")
    assert config.find("KubeAPIServerConfig") is None
