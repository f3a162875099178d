"""What works on Windows and macOS as far as that can be seen without them: nothing needs what only Linux has, but the agent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import talos_resources
from talos_resources.cli.main import main

ROOT = Path(__file__).parents[1]
PACKAGE = Path(talos_resources.__file__).parent
Run = Callable[..., str]
SYSTEMS = ("windows", "macos")


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def command(system: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.other_systems", system, *arguments]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALOS")}
    return kept | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@pytest.fixture(params=SYSTEMS)
def run(request: pytest.FixtureRequest, tmp_path: Path, environment: dict[str, str]) -> Run:
    """Runs one of our commands there, which must succeed, in a folder of the test's own."""

    def ran(*arguments: str) -> str:
        line = command(request.param, "talos_resources", *arguments)
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


@pytest.mark.parametrize("system", SYSTEMS)
def test_all_but_the_agent_can_be_imported(system: str, environment: dict[str, str]) -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "agent" and path.name != "__main__.py"]
    line = command(system, "--import", *sorted(map(module, paths)))
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_taken_away_is_missed(environment: dict[str, str]) -> None:
    for system, wanted in (("windows", "fcntl"), ("windows", "talos_resources.agent.lock"), ("macos", "spwd")):
        done = subprocess.run(command(system, "--import", wanted), env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert "ModuleNotFoundError" in done.stderr


def test_the_commands(run: Run, tmp_path: Path) -> None:
    assert run("get", "kubespanpeerstatuses").count("\n") == 5
    assert "nVHu7l13uZyk0AaI1WuzL2" in run("get", "kubespanpeerstatuses", "-o", "yaml")
    assert run("mesh").startswith("5 nodes, 20 of 20 links up")
    run("dump", "--to", "demo.zip")
    assert "20 of 20 links up" in run("doctor", "--from", "demo.zip")
    run("simulate", "--nodes", "3", "--to", "sqlite:mesh.db")
    assert run("mesh", "--from", "sqlite:mesh.db", "--at", "now").startswith("3 nodes, 6 ")
    run("gen", "secrets", "-o", "secrets.yaml")
    run("gen", "config", "lab", "https://10.0.0.1:6443", "--with-secrets", "secrets.yaml", "-o", "lab")
    assert "lab" in run("config", "contexts", "--talosconfig", "lab/talosconfig")
    run("config", "node", "10.0.0.1", "--talosconfig", "lab/talosconfig")  # one that is read and written again
    assert "10.0.0.1" in (tmp_path / "lab" / "talosconfig").read_text()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serve_and_a_client_over_tls(system: str, end: signal.Signals, tmp_path: Path, environment: dict[str, str]) -> None:
    serve = command(system, "talos_resources", "serve", "--from", "demo", "--pki", "pki", "--listen", "127.0.0.1:0")
    with subprocess.Popen(serve, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("listening on 127.0.0.1:")
            ask = command(system, "talos_resources", "get", "members", "--talosconfig", "pki/talosconfig", "-n", "172.20.0.2")
            done = subprocess.run(ask, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.stdout.count("talos-default-") == 10, done.stderr
            process.send_signal(end)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()


def test_unix_sockets_are_missed_in_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    for arguments in (["serve", "--insecure", "--listen", "unix:x"], ["get", "members", "--from", "cosi+unix:x"]):
        line = command("windows", "talos_resources", *arguments)
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert "this system's Python has no unix sockets" in done.stderr.splitlines()[0]
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_the_agent_says_that_it_is_for_linux(system: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert main(["agent", "--config", "worker.yaml", "--state-dir", "state"]) == 1
    assert capsys.readouterr().err == f"error: agent makes a Linux host a node of the mesh; this is {system}\n"
