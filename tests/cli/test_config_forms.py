"""Commands that take a machine configuration take every form of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.migrate.text import migrate_text
from tests.machineconfig.migrate.samples import RICH

FAULTY = RICH.replace(
    "enabled: true\n            mtu: 1380", "enabled: true\n            advertiseKubernetesNetworks: true\n            mtu: 1380"
)


@pytest.fixture(params=["sections", "documents"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "cp.yaml"
    path.write_text(FAULTY if request.param == "sections" else migrate_text(FAULTY).text)
    return path


def test_the_doctor_looks_into_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--from", "demo", "--config", str(config)])
    assert "Talos only creates what is missing from inline manifests (cilium)" in capsys.readouterr().out


def test_cilium_check_looks_into_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cilium", "check", str(config)]) == 3
    assert "advertiseKubernetesNetworks is on together with Cilium" in capsys.readouterr().out


def test_validate_explains_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", str(config), "--mode", "metal", "--explain"])
    assert "only creates what is missing" in capsys.readouterr().err


def test_patches_are_written_for_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    has_documents = "KubeSpanConfig" in config.read_text()
    for command in (["kubespan", "patch"], ["cilium", "patch", "--strict"]):
        assert main([*command, "--for", str(config)]) == 0
        assert ("kind: Kube" in capsys.readouterr().out) is has_documents
