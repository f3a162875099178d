"""Commands that go on for as long as nodes do: who is away is told when it is, and what comes back goes on."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from talos_resources.cli.nodes import Answers
from talos_resources.model.errors import ConnectError, TalosResourcesError
from talos_resources.testing.cluster import TalosCluster

PATIENCE = 60.0
Make = Callable[..., TalosCluster]


class Lines:
    """What a process writes, a line at a time."""

    def __init__(self, pipe: IO[str]) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Waits until the process has closed its end: to close ours in the midst of a read is an error in the reader."""
        self._reader.join()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line)

    def until(self, text: str) -> list[str]:
        """The lines up to the one that holds a text."""
        found: list[str] = []
        while not found or text not in found[-1]:
            found.append(self._lines.get(timeout=PATIENCE))
        return found


@contextmanager
def started(*arguments: str) -> Iterator[tuple[Lines, Lines]]:
    """A command that does not end, with its stdout and stderr."""
    command = [sys.executable, "-m", "talos_resources", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = Lines(process.stdout), Lines(process.stderr)
        try:
            yield out, err
        finally:
            process.kill()
            out.close()
            err.close()


def test_events_tell_of_nodes_that_are_away_and_go_on_with_them(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=3)
    off = cluster.inject("off", "controlplane-3")
    with started("events", "kubespanpeerstatuses", "-w", "--talosconfig", str(cluster.talosconfig)) as (out, err):
        assert "controlplane-3: cannot be followed: " in err.until("trying again")[-1]
        cluster.heal(off)
        assert err.until("is followed now") == ["controlplane-3: is followed now\n"]
        cluster.inject("off", "controlplane-2")
        told = err.until("controlplane-2")[-1]
        assert told.startswith("controlplane-2: is not followed for now: ")
        assert "switched off" in told
        cluster.heal()
        assert err.until("again") == ["controlplane-2: is followed again\n"]
        cluster.advance(60)
        out.until("state: unknown → up")


def test_a_watch_tells_at_once_who_does_not_answer(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=3)
    cluster.inject("off", "controlplane-3")
    with started("get", "members", "-w", "--talosconfig", str(cluster.talosconfig)) as (_, err):
        assert err.until("controlplane-3")[-1].startswith("error: controlplane-3: ")
        off = cluster.inject("off", "controlplane-2")
        assert "controlplane-2: is not followed for now: " in err.until("controlplane-2")[-1]
        cluster.heal(off)
        assert err.until("controlplane-2") == ["controlplane-2: is followed again\n"]


def test_a_picture_waits_for_nodes_that_have_all_gone(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=2)
    with started("mesh", "-w", "--every", "1s", "--talosconfig", str(cluster.talosconfig)) as (out, err):
        out.until("2 of 2 links up")
        cluster.inject("off", "controlplane-1", "controlplane-2")
        assert "nobody answers; looking again: " in err.until("nobody")[-1]
        cluster.heal()
        cluster.wait_for("up")
        out.until("2 of 2 links up")


def test_errors_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Answers[str] = Answers([("a", "fine"), ("b", ConnectError("off")), ("c", ConnectError("off"))])
    answers.tell(("a", "b", "c"))
    assert capsys.readouterr().err == "error: b, c: off\n"
    answers.fail("a", TalosResourcesError("gone"))
    assert answers.report(("a", "b", "c")) == 1
    assert capsys.readouterr().err == "error: a: gone\n"


def test_what_all_answer_is_one_error() -> None:
    answers: Answers[str] = Answers([("a", ConnectError("off")), ("b", ConnectError("off"))])
    with pytest.raises(ConnectError, match="^off$"):
        answers.report(("a", "b"))


def test_ctrl_c_while_a_class_is_made() -> None:
    code = """
import sys
from talos_resources.__main__ import main
from talos_resources.cli import main as cli

class Interrupting:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt

def run():
    class Late:
        field = Interrupting()

cli.main = run
sys.exit(main())
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (result.returncode, result.stderr) == (130, "")
