"""How `top` ends, and what a failure in the background becomes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from talos_resources.sources import open_source
from talos_resources.tui.app import Top
from tests.tui.driving import drive, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "talos_resources", "top", "--from", "demo"]
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True) as top:
        written = b""
        end = time.monotonic() + 120
        while b"controlplane" not in written and time.monotonic() < end:
            if select.select([ours], [], [], 1)[0]:
                written += os.read(ours, 65536)
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
        top.send_signal(number)
        while top.poll() is None and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                written += os.read(ours, 65536)
        while select.select([ours], [], [], 0)[0]:  # its last words
            written += os.read(ours, 65536)
        assert top.returncode == 128 + number  # nobody has ended it who looked at it
        assert termios.tcgetattr(theirs) == before
        assert b"\x1b[?1049l" in written  # the screen that was there is back
    os.close(ours)
    os.close(theirs)


def test_a_failure_that_should_not_be_is_told_and_may_be_asked_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_source("demo") as demo:

        async def act(top: Top, pilot: Pilot[None]) -> None:
            def broken() -> None:
                raise ZeroDivisionError("a fault of ours")

            told: list[str] = []
            monkeypatch.setattr(top, "notify", lambda text, **_options: told.append(text))
            top.ask("172.20.0.2", "broken", broken, lambda _answer: None, wanted=False)
            await until(pilot, lambda: len(told) == 1)
            top.ask("172.20.0.2", "broken", broken, lambda _answer: None, wanted=False)
            await until(pilot, lambda: len(told) == 2)
            assert all("ZeroDivisionError" in text for text in told)

        drive(demo, act)
