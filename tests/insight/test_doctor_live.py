"""`doctor -w` over a live node: a fault that begins and ends, and a node that goes away and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from talos_resources.cli.doctor_watch import key_of
from talos_resources.model.finding import Finding, Severity
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.rpc.client.connect import connect_plain

PATIENCE_S = 60.0
PROGRAM = [sys.executable, "-m", "talos_resources"]


@contextmanager
def served(socket: Path) -> Iterator[None]:
    """The demo's first node, as a server that answers."""
    command = [*PROGRAM, "serve", "--from", "demo", "--listen", f"unix:{socket}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            assert "listening on" in process.stdout.readline()
            yield
        finally:
            process.send_signal(signal.SIGINT)


class Watching:
    """`doctor -w` in a process of its own, and what it has told so far."""

    def __init__(self, socket: Path, folder: Path, *more: str) -> None:
        self._file = folder / "told"
        command = [*PROGRAM, "doctor", "-w", "--every", "1s", "--from", f"cosi+unix:{socket}", *more]
        with self._file.open("w") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "200"})

    def lines(self) -> list[str]:
        return self._file.read_text().splitlines()

    def wait_for(self, holds: Callable[[str], object]) -> str:
        end = time.monotonic() + PATIENCE_S
        while not (found := [line for line in self.lines() if holds(line)]):
            assert time.monotonic() < end, self.lines()
            assert self._process.poll() is None, self.lines()
            time.sleep(0.05)
        return found[0]

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)

    def end(self) -> None:
        """Also where the test failed."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)


def tells(line: str, change: str) -> bool:
    return f"  {change}  " in line or f'"change": "{change}"' in line


def set_state(socket: Path, state: PeerState) -> str:
    """Gives one of the node's links another state; its label."""
    with connect_plain(f"unix:{socket}") as node:
        peer = node.list(KubeSpanPeerStatus)[0]
        node.update(peer.with_spec(attrs.evolve(peer.spec, state=state)), owner=peer.metadata.owner)
        return peer.spec.label


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*more: str) -> Watching:
        started.append(Watching(tmp_path / "node.sock", tmp_path, *more))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("output", ["text", "json"])
def test_what_begins_and_ends_on_a_live_node(tmp_path: Path, watch: Callable[..., Watching], output: str) -> None:
    socket = tmp_path / "node.sock"
    with served(socket):
        watching = watch("-o", output)
        if output == "text":
            watching.wait_for(lambda line: "0 errors, 0 warnings" in line)
        else:
            time.sleep(3)  # of a healthy mesh JSON has no line
        label = set_state(socket, PeerState.DOWN)
        begun = watching.wait_for(lambda line: tells(line, "begins"))
        assert label in begun
        set_state(socket, PeerState.UP)
        ended = watching.wait_for(lambda line: tells(line, "ends"))
        assert label in ended
        if output == "json":
            assert [json.loads(line)["change"] for line in watching.lines()] == ["begins", "ends"]
    away = watching.wait_for(lambda line: tells(line, "away"))
    assert "error" in json.loads(away) if output == "json" else "nobody answers" in away
    with served(socket):
        set_state(socket, PeerState.DOWN)
        end = time.monotonic() + PATIENCE_S
        while sum(tells(line, "begins") for line in watching.lines()) < 2:
            assert time.monotonic() < end, watching.lines()
            time.sleep(0.05)
    assert sum(tells(line, "back") for line in watching.lines()) == 1
    assert sum(tells(line, "away") for line in watching.lines()) in {1, 2}  # the second time it may be stopped before it looks
    assert watching.stop() == 130


def test_a_finding_stays_itself_while_its_numbers_change() -> None:
    """Of findings that no link goes with the title says whom they concern."""

    def key(title: str) -> object:
        return key_of(Finding(severity=Severity.NOTE, rule="new-key", title=title))

    assert key("96 % of the bytes on 18 links got lost") == key("87 % of the bytes on 2 links got lost")
    assert key("w-1 came back at 23:59:00, anew") == key("w-1 came back at 2026-11-29 23:59:00, anew")
    assert len({key(f"{name} came back at 23:59:00") for name in ("w-1", "w-2", "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2")}) == 6
