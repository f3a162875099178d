"""`simulate --serve` at the shell: a cluster that lives while others talk to it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.cli.main import main

Printed = pytest.CaptureFixture[str]


def waited(look: Callable[[], str], wanted: str, *, seconds: float = 60) -> str:
    """What is shown when it has what is wanted."""
    deadline = time.monotonic() + seconds
    while wanted not in (shown := look()):
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    return shown


def test_a_cluster_lives_while_others_talk_to_it(tmp_path: Path, capsys: Printed) -> None:
    pki, record = tmp_path / "pki", tmp_path / "course.db"
    command = [sys.executable, "-m", "talos_resources", "simulate", "--nodes", "4", "--serve", "127.0.0.1:0", "--pki", str(pki)]
    flags = ["--speed", "100x", "--record", f"sqlite:{record}", "--to", str(tmp_path / "end.zip")]
    with subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        reached = ["--talosconfig", str(pki / "talosconfig")]

        def ours(*arguments: str, code: int = 0) -> str:
            assert main([*arguments, *reached]) == code, capsys.readouterr()
            printed = capsys.readouterr()
            return printed.err if code else printed.out

        waited(lambda: ours("mesh"), "4 nodes, 12 of 12 links up")
        assert ours("simulate", "inject", "partition", "--site", "b") == "1  cut: controlplane-3, worker-1 from the 2 others\n"
        waited(lambda: ours("mesh"), "4 nodes, 12 links: 4 up, 8 down")
        assert "1 fault there\nID   SINCE " in ours("simulate", "inject")
        assert 'error: no node "nobody"; there are controlplane-1, ' in ours("simulate", "inject", "off", "nobody", code=1)
        assert "only os:admin may" in ours("simulate", "heal", "--context", "reader", code=1)
        assert ours("simulate", "heal") == "healed: cut: controlplane-3, worker-1 from the 2 others\n"
        waited(lambda: ours("mesh"), "4 nodes, 12 of 12 links up")
        ours("simulate", "inject", "off", "worker-1")
        assert "worker-1 is switched off" in ours("get", "members", "-n", "worker-1", code=1)
        assert ours("get", "members", "-n", "172.20.0.2").count("controlplane") >= 3
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr is not None
        told = process.stderr.read()
    assert re.search(r"^0:\d\d:\d\d  cut: controlplane-3, worker-1 from the 2 others$", told, re.MULTILINE)
    assert re.search(r"^\d{3,} changes recorded to sqlite:", told, re.MULTILINE)
    for source in (f"sqlite:{record}", str(tmp_path / "end.zip")):
        assert main(["get", "kubespanpeerstatuses", "-n", "controlplane-1", "--from", source, "-o", "name"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["history", "kubespanpeerstatus", "worker-1", "-n", "controlplane-1", "--from", f"sqlite:{record}"]) == 0
    states = capsys.readouterr().out
    assert "state: up → down" in states
    assert "state: down → up" in states


def test_a_simulation_ends_when_its_time_is_over(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "talos_resources", "simulate", "--serve", f"unix:{tmp_path}/s", "--speed", "50x", "--duration", "60s"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"listening on unix:{tmp_path}/s\n"
    assert re.search(r"^0:0\d:\d\d  its time is over$", done.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--speed", "10x"], "--speed is for a simulation that others talk to; add --serve"),
        (["--speed", "fast", "--serve"], "'fast' is no speed such as 1x, 10x or 0.5x"),
        (["--speed", "0x", "--serve"], "'0x' is no speed"),
        (["--serve", "127.0.0.1:0"], "name a folder for certificates with --pki"),
        (["--serve", "127.0.0.1:0", "--insecure", "--nodes", "1"], "takes at least 2 nodes, not 1"),
        (["--record", "course.db"], "--record takes sqlite:PATH, not 'course.db'"),
        (["--record", f"sqlite:{__file__}"], "is there already; a course begins with its first moment"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], told: str, capsys: Printed) -> None:
    assert main(["simulate", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("action", ["inject", "heal"])
def test_what_is_no_simulation_is_told_so(action: str, capsys: Printed) -> None:
    assert main(["simulate", action, "--from", "demo"]) == 1
    assert "demo is no simulation that runs; start one with `simulate --serve`" in capsys.readouterr().err
