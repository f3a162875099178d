"""Our client and command line against the real Go server: every recorded case of talosctl, live over mutual TLS."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.state.events import Bootstrapped, Created, Destroyed
from tests.golden import scripted, talosctl
from tests.interop.conftest import GoNode, StartNode
from tests.processes import worked

pytestmark = pytest.mark.go

FOLDER = Path(__file__).parents[1] / "data" / "talosctl"
QUIET_S = 1.0
"""A step of a script that prints nothing is over after this long; the recording had 0.15 s between steps."""


def wire_file(name: str, folder: Path) -> Path:
    """The wire file of a recording, unpacked."""
    plain = folder / f"{name}.wire.json"
    plain.write_bytes(talosctl._read(FOLDER, plain.name))
    return plain


def options(recording: talosctl.Recording, case: dict[str, Any]) -> list[str]:
    """The node of a case, and the talosctl that was recorded."""
    return ["-n", case["nodes"], "--compat", f"talosctl={recording.release.version}"]


@pytest.mark.parametrize("name", ["docs", "odd1", "odd2", "types1"])
def test_recorded_cases(name: str, go_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = go_node(tls=True, load=wire_file(name, tmp_path))

    def live(recording: talosctl.Recording, arguments: list[str], case: dict[str, Any]) -> talosctl.Outcome:
        return talosctl.invoke([*arguments, *options(recording, case), "--talosconfig", str(node.talosconfig)])

    monkeypatch.setattr(talosctl, "_get", live)
    [recording] = [found for found in talosctl.recordings(FOLDER) if found.name == name]
    results = [talosctl.run(recording, case) for case in recording.cases if not case.get("watch")]
    assert results
    assert [f"{result.name}: {result.difference}" for result in results if result.difference] == []


def watch_cases() -> list[dict[str, Any]]:
    cases = json.loads(talosctl._read(FOLDER, "docs.cases.json"))["cases"]
    return [case for case in cases if case.get("watch")]


@pytest.mark.parametrize("case", watch_cases(), ids=lambda case: " ".join(case["args"]))
def test_recorded_watches(case: dict[str, Any], go_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = go_node(tls=True, load=wire_file("docs", tmp_path))

    def live(recording: talosctl.Recording, arguments: list[str], case: dict[str, Any]) -> talosctl.Outcome:
        return watched(node, [*arguments, *options(recording, case)], tmp_path / "out", wanted=len(case["stdout"].encode()))

    monkeypatch.setattr(talosctl, "_get", live)
    [recording] = [found for found in talosctl.recordings(FOLDER) if found.name == "docs"]
    assert talosctl.run(recording, case).difference == ""


def watched(node: GoNode, arguments: list[str], out: Path, *, wanted: int) -> talosctl.Outcome:
    """Runs our command line while the script happens on the node, each step after the output of the one before.

    It is stopped when nothing more comes; `wanted` bytes should.
    """
    command = [sys.executable, "-m", "talos_resources", *arguments, "--talosconfig", str(node.talosconfig)]
    with out.open("wb") as file, connect(talosconfig=node.talosconfig) as client:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True)
        try:
            settle(process, out, 1)
            for step in scripted.changes(json.loads(talosctl._read(FOLDER, "docs.script.json"))):
                before = grown(out, out.stat().st_size, limit_s=QUIET_S / 4)
                step(client)  # type: ignore[arg-type]  # any State will do
                grown(out, before, limit_s=QUIET_S)
            settle(process, out, wanted)
        finally:
            process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    return talosctl.Outcome(stdout=out.read_bytes().decode(), stderr=stderr, exit=0)


def settle(process: subprocess.Popen[str], out: Path, size: int) -> None:
    """Waits until a process has printed so many bytes, or does nothing: some columns are printed at the end."""
    used, end = 0, time.monotonic() + 60
    while out.stat().st_size < size and time.monotonic() < end:
        time.sleep(1)
        before, used = used, worked(process.pid)
        if 0 < before == used:
            return


def grown(path: Path, size: int, *, limit_s: float) -> int:
    """Waits until a file has grown and grows no more, at most so long; its size."""
    end = time.monotonic() + limit_s
    while path.stat().st_size == size and time.monotonic() < end:
        time.sleep(0.01)
    while (now := path.stat().st_size) != size:
        size = now
        time.sleep(0.05)
    return size


def test_a_watch_survives_the_restart_of_the_go_server(node_program: Path, tmp_path: Path) -> None:
    socket = tmp_path / "state.sock"

    def start() -> subprocess.Popen[str]:
        socket.unlink(missing_ok=True)
        process = subprocess.Popen([node_program, "-listen", f"unix:{socket}"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        return process

    first = start()
    state = connect_plain(f"unix:{socket}")
    gone = state.create(Resource.new(KubeSpanPeerStatus(label="1"), id="a"))
    with state.watch_kind(KubeSpanPeerStatus) as events:
        assert events.next(30) == Created(gone)
        assert isinstance(events.next(30), Bootstrapped)
        first.kill()
        first.wait(30)
        second = start()
        lost = events.next(60)
        assert isinstance(lost, Destroyed)
        assert lost.resource == gone
        new = state.create(Resource.new(KubeSpanPeerStatus(label="2"), id="b"))
        told = events.next(30)
        assert isinstance(told, Created)
        assert told.resource == new
    state.close()
    second.kill()
    second.wait(30)
