"""`gen config`: the guide's commands as they are printed, the files, and what is refused."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.bundle import make_configs, make_talosconfig
from talos_resources.machineconfig.gen.options import GenOptions, parse_mirrors
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.releases import Contract
from talos_resources.rpc.pki import certificate_from_pem
from talos_resources.talosconfig.config import TalosConfig

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = ["my-cluster", "https://mycluster.local:6443"]
CNI_NONE = '[{"op":"add", "path": "/cluster/network/cni", "value": {"name": "none"}}]'
STRICT = (
    '[{"op": "add", "path": "/cluster/proxy", "value": {"disabled": true}}, '
    '{"op":"add", "path": "/cluster/network/cni", "value": {"name": "none"}}]'
)
HOSTED = (
    '[{"op":"add", "path": "/cluster/network/cni", "value": {"name": "custom", '
    '"urls": ["https://server.yourdomain.tld/some/path/cilium.yaml"]}}]'
)


@pytest.fixture(scope="module")
def bundle() -> SecretsBundle:
    return generate(now=NOW, contract=Contract(1, 6))


@pytest.fixture
def folder(tmp_path: Path, bundle: SecretsBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "secrets.yaml").write_text(bundle.to_yaml())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generated(*arguments: str) -> int:
    return main(["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "out", *arguments])


def loaded(name: str) -> MachineConfig:
    return MachineConfig.load(Path("out", name).read_text())


@pytest.mark.usefixtures("folder")
def test_talosctl_refuses_the_guides_commands_and_so_do_we_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated("--config-patch", CNI_NONE, "--compat", "talosctl") == 1
    assert "JSON patches are not supported" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.usefixtures("folder")
def test_all_files_are_private() -> None:
    assert generated() == 0
    assert {path.name: path.stat().st_mode & 0o777 for path in Path("out").iterdir()} == {
        "controlplane.yaml": 0o600,
        "worker.yaml": 0o600,
        "talosconfig": 0o600,
    }


@pytest.mark.usefixtures("folder")
def test_the_talosconfig_is_signed_by_the_clusters_authority(bundle: SecretsBundle) -> None:
    assert generated("-t", "talosconfig") == 0
    context = TalosConfig.load("out").context()
    assert bundle.os is not None
    assert context.ca == bundle.os.crt
    assert context.crt is not None
    certificate_from_pem(context.crt).verify_directly_issued_by(certificate_from_pem(bundle.os.crt))


@pytest.mark.usefixtures("folder")
def test_roles_get_their_own_patches() -> None:
    assert (
        generated("--config-patch-control-plane", "machine: {sysctls: {a: cp}}", "--config-patch-worker", "machine: {sysctls: {a: w}}") == 0
    )
    assert loaded("controlplane.yaml").get("params", kind="SysctlConfig") == {"a": "cp"}
    assert loaded("worker.yaml").get("params", kind="SysctlConfig") == {"a": "w"}


@pytest.mark.usefixtures("folder")
def test_a_common_patch_has_to_fit_the_worker_too(capsys: pytest.CaptureFixture[str]) -> None:
    patch = '[{"op":"remove","path":"/cluster/apiServer/image"}]'
    assert generated("-t", "controlplane", "--config-patch", patch) == 1
    assert "cannot patch the worker configuration" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_kubespan_without_discovery_is_remarked(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated("--with-kubespan", "--with-cluster-discovery=false") == 0
    assert "KubeSpan finds its peers through discovery" in capsys.readouterr().err
    config = loaded("worker.yaml")
    assert config.get("enabled", kind="KubeSpanConfig") is True
    assert not config.all("DiscoveryServiceConfig")


@pytest.mark.usefixtures("folder")
def test_writing_stops_at_a_file_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/worker.yaml").write_text("mine")
    assert generated() == 1
    assert 'file "out/worker.yaml" already exists' in capsys.readouterr().err
    assert Path("out/worker.yaml").read_text() == "mine"
    assert sorted(path.name for path in Path("out").iterdir()) == ["worker.yaml"]


@pytest.mark.usefixtures("folder")
def test_one_type_can_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-t", "worker", "-o", "-"]) == 0
    assert MachineConfig.load(capsys.readouterr().out).get("machine.type") == "worker"
    assert main(["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-o", "-"]) == 1
    assert "one output type only" in capsys.readouterr().err


def test_without_a_path_the_working_folder_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gen", "config", *NAMES, "--with-secrets", "secrets.yaml", "-t", "worker"]) == 0
    assert capsys.readouterr().err == f"Created {folder}/worker.yaml\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("switch", ["--persist=false", "--persist=0", "--persist=F", "-p=false"])
def test_switches_take_gos_values(switch: str) -> None:
    assert generated(switch) == 0
    assert loaded("worker.yaml").get("persist") is False


@pytest.mark.parametrize("minor", range(15))
@pytest.mark.parametrize("kubespan", [True, False])
def test_every_contract_gives_what_the_field_table_knows(bundle: SecretsBundle, minor: int, kubespan: bool) -> None:
    options = GenOptions(
        cluster_name="c",
        endpoint="https://c.example",
        contract=Contract(1, minor),
        kubespan=kubespan,
        additional_sans=("10.0.0.1",),
        registry_mirrors=parse_mirrors(["docker.io=https://m.example", "docker.io=https://n.example", "ghcr.io=http://10.0.0.1:5000"]),
    )
    made = make_configs(options, bundle)
    for text in (made.control_plane, made.worker):
        assert MachineConfig.load(text).text() == text


def test_secrets_do_not_show(bundle: SecretsBundle) -> None:
    options = GenOptions(cluster_name="c", endpoint="https://c.example")
    shown = repr(make_configs(options, bundle)) + repr(make_talosconfig("c", bundle, now=NOW))
    assert bundle.bootstrap_token not in shown
    assert "PRIVATE" not in shown
    assert json.dumps(shown).count("LS0t") == 0


@pytest.mark.parametrize("alias", ["machineconfig", "mc"])
def test_machineconfig_gen_is_the_same_without_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([alias, "gen", *NAMES]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["controlplane.yaml", "talosconfig", "worker.yaml"]
    assert main([alias, "gen", *NAMES, "--with-kubespan"]) == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("mode", "arguments"),
    [
        ("metal", []),
        ("cloud", ["--with-kubespan"]),
        ("container", ["--talos-version", "v1.9"]),
    ],
)
def test_what_is_generated_is_valid(mode: str, arguments: list[str]) -> None:
    assert generated(*arguments) == 0
    for name in ("controlplane.yaml", "worker.yaml"):
        assert main(["validate", f"out/{name}", "--mode", mode]) == 0


@pytest.mark.usefixtures("folder")
def test_the_guides_fourth_method_from_end_to_end() -> None:
    Path("cilium.yaml").write_text(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\n  namespace: kube-system\ndata:\n"
        "  ipam: kubernetes   \n  kube-proxy-replacement: strict\n"
    )
    assert generated("--config-patch", STRICT, "--talos-version", "v1.12") == 0
    text = Path("out/controlplane.yaml").read_text()
    Path("out/controlplane.yaml").write_text(f"# ours\n{text}")
    with Path("patch.yaml").open("w") as file, contextlib.redirect_stdout(file):
        assert main(["cilium", "inline", "cilium.yaml", "--for", "out/controlplane.yaml"]) == 0
    patch = ["machineconfig", "patch", "out/controlplane.yaml", "--patch", "@patch.yaml", "--keep-comments", "-o", "out/controlplane.yaml"]
    assert main(patch) == 0
    patched = Path("out/controlplane.yaml")
    assert patched.read_text().startswith("# ours\n")
    assert patched.stat().st_mode & 0o777 == 0o600
    assert loaded("controlplane.yaml").get("cluster.inlineManifests[0].contents").count("ipam: kubernetes   \n") == 1
    assert main(["cilium", "check", "out/controlplane.yaml", "out/worker.yaml"]) == 0
    assert main(["validate", "out/controlplane.yaml", "--mode", "cloud"]) == 0


def test_an_empty_kubernetes_version_is_refused_as_todays_talosctl_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    assert generated("--kubernetes-version", "") == 1
    assert "an empty --kubernetes-version names no images" in capsys.readouterr().err
    assert generated("--kubernetes-version", "", "--compat", "talosctl=v1.12") == 0
    assert loaded("controlplane.yaml").get("machine.kubelet.image") is None


@pytest.mark.usefixtures("folder")
def test_the_talosctl_that_is_imitated_decides_over_defaults_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated("--compat", "talosctl=v1.12") == 0
    assert loaded("worker.yaml").get("machine.kubelet.image") == "ghcr.io/siderolabs/kubelet:v1.35.0"
    assert generated("--force", "--compat", "talosctl=v1.12", "--talos-version", "v1.14") == 0
    assert loaded("worker.yaml").find("KubeletConfig") is None
    assert generated("--force", "--compat", "talosctl", "--persist=false") == 1
    assert "unknown flag: --persist; talosctl v1.14.0-rc.1 has none" in capsys.readouterr().err
    assert generated("--force", "--compat", "talosctl=v1.12", "--skip-k8s-etcd") == 1
    assert "unknown flag: --skip-k8s-etcd" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_machines_without_kubernetes(bundle: SecretsBundle) -> None:
    small = attrs.evolve(bundle, k8s=None, etcd=None, k8s_aggregator=None, k8s_service_account_key=None, secretbox_encryption_secret="")
    Path("secrets.yaml").write_text(small.to_yaml())
    assert generated() == 1
    assert generated("--skip-k8s-etcd") == 0
    kinds = {document.kind for name in ("controlplane.yaml", "worker.yaml") for document in loaded(name).documents}
    assert not any(kind.startswith("Kube") for kind in kinds)
    assert loaded("controlplane.yaml").get("cluster") == {}
    assert generated("--force", "--skip-k8s-etcd", "--talos-version", "v1.12") == 1


@pytest.mark.usefixtures("folder")
def test_an_aescbc_secret_stays_one(bundle: SecretsBundle) -> None:
    old = attrs.evolve(bundle, secretbox_encryption_secret="", aescbc_encryption_secret="c2VjcmV0")
    Path("secrets.yaml").write_text(old.to_yaml())
    assert generated() == 0
    (block,) = loaded("controlplane.yaml").get("config", kind="KubeEtcdEncryptionConfig")["resources"]
    assert block["providers"] == [{"aescbc": {"keys": [{"name": "key1", "secret": "c2VjcmV0"}]}}]
    assert main(["gen", "secrets", "--from-controlplane-config", "out/controlplane.yaml", "-o", "again.yaml"]) == 0
    assert Path("again.yaml").read_text() == old.to_yaml()
