"""`cilium enable` on a living cluster: the guide's method 4, node by node."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.settings import Settings
from talos_resources.simulate.settings import NodeSettings
from tests.machineconfig.cilium.samples import CILIUM
from tests.simulate.living import LivingCluster

Shell = Callable[..., tuple[int, str, str]]
Living = Callable[..., LivingCluster]
ROLES = {"cp1": True, "cp2": True, "w1": False}


@pytest.fixture
def living(living: Living) -> Living:
    def start(version: str = "v1.14.0") -> LivingCluster:
        nodes = [NodeSettings(name=name, control_plane=plane, operating_system=f"Talos ({version})") for name, plane in ROLES.items()]
        return living(nodes, version=version)

    return start


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "cilium.yaml"
    file.write_text(CILIUM)
    return file


@pytest.fixture
def shell(tmp_path: Path, manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*arguments: str) -> tuple[int, str, str]:
        config = str(tmp_path / "pki" / "talosconfig")
        code = main(["cilium", "enable", str(manifest), *arguments, "--talosconfig", config])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("version", ["v1.12.3", "v1.13.0", "v1.14.0"])
def test_control_planes_get_the_manifest_and_workers_none(living: Living, shell: Shell, version: str) -> None:
    cluster = living(version)
    code, out, err = shell("--yes", "--replace-cni")
    assert (code, err) == (0, "")
    assert "BEGIN RSA" not in out
    for name, plane in ROLES.items():
        found = Settings.of(cluster.config(name))
        assert [manifest.name for manifest in found.inline_manifests] == (["cilium"] if plane else [])
        assert found.cni.name == "none" or not plane
    assert [line.partition(":")[0] for line in out.splitlines() if ": applied" in line][:2] == ["cp1", "cp2"]
    again = shell("--yes")
    assert (again[0], again[1]) == (0, "".join(f"{name}: no change\n" for name in ROLES))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((), "flannel is the CNI on cp1, cp2: Talos does not remove it"),
        (("-n", "w1"), "w1 is no control plane"),
        (("-n", "cp1,w1", "--replace-cni"), "cp2 is a control plane too"),
        (("--replace-cni", "--strict"), "kube-proxy"),
    ],
)
def test_what_is_dangerous_is_refused_in_a_line(living: Living, shell: Shell, manifest: Path, flags: tuple[str, ...], told: str) -> None:
    cluster = living()
    assert shell("--dry-run", "--replace-cni")[0] == 0
    before = [cluster.text(name) for name in ROLES]
    if "--strict" in flags:
        manifest.write_text(re.sub(r"(kube-proxy-replacement: ).*", r'\1"false"', manifest.read_text()))
    code, out, err = shell("--yes", *flags)
    assert (code, out) == (1, "")
    assert told in err
    assert all(line.endswith("; nothing was changed") for line in err.splitlines())
    assert [cluster.text(name) for name in ROLES] == before
