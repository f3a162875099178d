"""The wheel: what is in it, and that its first command works where there is nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*arguments: str, folder: Path) -> str:
    """What a command prints, with nothing of the caller's environment but the way to packages."""
    kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_")) or key.lower().endswith("_proxy")}
    # The certificates of the system for uv too, which pipx calls if it is there, as pip has them; older ones call it otherwise.
    certificates = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    environment = {**kept, **certificates, "HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as an index of packages would get it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT), folder=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A home in which there is nothing."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def table(text: str) -> list[str]:
    """The header and the lines of the guide's table."""
    lines = text.splitlines()
    assert lines[0].split() == ["ID", "VERSION", "LABEL", "ENDPOINT", "STATE", "RX", "TX"]
    assert [line.split()[2] for line in lines[1:]] == [
        "talos-default-controlplane-2",
        "talos-default-controlplane-3",
        "talos-default-worker-2",
        "talos-default-worker-1",
    ]
    return lines


def test_nothing_but_the_package_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    roots = {name.partition("/")[0] for name in names}
    assert len(roots) == 2
    assert {root.partition("-")[0] for root in roots} == {"talos_resources"}
    assert not [name for name in names if "/tests/" in name or name.endswith((".pyc", ".ipynb")) or "/test_" in name]
    assert "talos_resources/py.typed" in names
    assert "talos_resources/testing/plugin.py" in names


def test_what_it_says_of_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        said = Parser().parsestr(archive.read(name).decode())
    assert said["Name"] == "talos-resources"
    classifiers = said.get_all("Classifier") or []
    for wanted in ("MacOS", "Microsoft :: Windows", "POSIX :: Linux"):
        assert f"Operating System :: {wanted}" in classifiers
    for minor in (11, 12, 13, 14):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
    assert said.get_all("Project-URL")
    assert said["Requires-Python"] == ">=3.11"
    assert {"data", "server", "test"} <= set(said.get_all("Provides-Extra") or [])


def test_in_an_empty_environment(wheel: Path, empty: Path, tmp_path: Path) -> None:
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    run(str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel), folder=empty)
    command = str(place / "bin" / "talos-resources")
    lines = table(run(command, "get", "kubespanpeerstatuses", folder=empty))
    assert table(run(str(place / "bin" / "python"), "-m", "talos_resources", "get", "kubespanpeerstatus", folder=empty)) == lines
    assert run(command, "doctor", folder=empty).startswith("5 nodes, 20 of 20 links up")
    names = run(str(place / "bin" / "python"), "-c", "import talos_resources; print(*dir(talos_resources))", folder=empty).split()
    assert not [name for name in names if name.startswith("_") and not name.startswith("__")]


def test_by_uvx(wheel: Path, empty: Path) -> None:
    uvx = (sys.executable, "-m", "uv", "tool", "run", "--python", sys.executable, "--no-managed-python", "--from", str(wheel))
    table(run(*uvx, "talos-resources", "get", "kubespanpeerstatuses", folder=empty))


def test_by_pipx(wheel: Path, empty: Path) -> None:
    pipx = (sys.executable, "-m", "pipx", "run", "--spec", str(wheel))
    table(run(*pipx, "talos-resources", "get", "kubespanpeerstatuses", folder=empty))
