"""What ends a command that runs until it is stopped, and with which exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from talos_resources.cli.stopping import stopping_signals

ENDLESS = {
    "record": (["--from", "demo", "--to", "sqlite:mesh.db"], "recording 5 nodes"),
    "export": (["prometheus", "--from", "demo", "--listen", "127.0.0.1:0"], "listening on"),
    "serve": (["--from", "demo", "--listen", "unix:node.sock", "--insecure"], "listening on"),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("command", ENDLESS)
def test_being_stopped_is_no_failure(command: str, number: signal.Signals, tmp_path: Path) -> None:
    arguments, ready = ENDLESS[command]
    line = [sys.executable, "-m", "talos_resources", command, *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        told = ""
        while ready not in told:
            read = process.stdout.readline()
            assert read, told
            told += read
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest


def test_what_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    assert signal.SIGHUP in stopping_signals()
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
    assert stopping_signals() == [signal.SIGTERM, signal.SIGINT]
