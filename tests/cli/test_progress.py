"""What is told on a terminal while something takes long."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from talos_resources.cli import progress
from tests.cli.test_terminal import on_terminal


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def shows(self, text: str) -> bool:
        """Waits until it has shown something."""
        until = time.monotonic() + 60
        while text not in self.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
        return text in self.getvalue()


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal, and little patience."""
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE_S", 0.05)
    monkeypatch.setattr(progress, "_BETWEEN_S", 0.02)
    monkeypatch.setattr(progress, "_spell", {"began": 0.0, "ended": -1e9})
    return terminal


def test_long_work_says_what_and_how_far_and_leaves_nothing(stderr: Terminal) -> None:
    done = 0
    with progress.busy(lambda: f"step {done} of 2"):
        assert stderr.shows("step 0 of 2 (")
        done = 1
        assert stderr.shows("step 1 of 2 (")
    text = stderr.getvalue()
    assert re.search(r"step 0 of 2 \(\d+ s\)", text)
    assert text.endswith("\r\x1b[K")


def test_items_are_counted_also_while_one_of_them_takes_long(stderr: Terminal) -> None:
    for item in progress.tracked(["quick", "slow"], "reading"):
        assert item == "quick" or stderr.shows("reading: 1 of 2")


def test_what_lets_no_thread_run_is_told_before_it(stderr: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 600.0)
    with progress.busy("drawing", at_once=True):
        assert "drawing (0 s)" in stderr.getvalue()
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_a_terminal_that_only_appends_lines_is_told_nothing(stderr: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with progress.busy("drawing", at_once=True):
        pass
    assert stderr.getvalue() == ""


def test_what_is_quick_says_nothing(stderr: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 600.0)
    with progress.busy("nothing"):
        pass
    assert list(progress.tracked([1, 2, 3], "nothing")) == [1, 2, 3]
    assert stderr.getvalue() == ""


def test_nothing_is_told_to_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=pipe))
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with progress.busy("a secret"):
        time.sleep(0.05)
    assert pipe.getvalue() == ""


def test_what_follows_at_once_goes_on_with_the_line(stderr: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that would be quick alone is told when the one before took a while, and since when all of it goes on."""
    monkeypatch.setattr(progress, "PATIENCE_S", 600.0)
    monkeypatch.setattr(progress, "_BETWEEN_S", 60.0)
    with progress.busy("reading"):
        pass
    assert stderr.getvalue() == ""
    progress._spell["began"] -= 600  # as if it had taken so long
    monkeypatch.setattr(progress, "_BETWEEN_S", 0.02)
    progress._spell["ended"] = time.monotonic() + 60
    with progress.busy("writing"):
        assert stderr.shows("writing (6")


def test_what_is_within_tells_and_then_what_is_around_it(stderr: Terminal) -> None:
    with progress.busy("all of it"):
        for number in progress.tracked([0, 1], "parts"):
            assert stderr.shows(f"parts: {number} of 2")
        within = stderr.getvalue().partition("parts: 1 of 2")[2]
        assert "all of it" not in within
        stderr.truncate(0)
        assert stderr.shows("all of it")


def test_nothing_more_is_told_when_the_results_come(stderr: Terminal) -> None:
    with progress.busy("printing"):
        assert stderr.shows("printing")
        progress.hush()
        told = stderr.getvalue()
        assert told.endswith("\r\x1b[K")
        time.sleep(0.1)
    assert stderr.getvalue() == told


def test_an_error_inside_takes_the_line_away(stderr: Terminal) -> None:
    with pytest.raises(ValueError, match="broken"), progress.busy("working"):
        assert stderr.shows("working")
        raise ValueError("broken")
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_commands_tell_how_far_they_are(tmp_path: Path) -> None:
    bundle = tmp_path / "many.zip"
    code, text = on_terminal("simulate", "--nodes", "150", "--to", str(bundle), home=tmp_path, size=(60, 120))
    assert code == 0
    assert re.search(r"simulating 150 nodes: (starting|\d+:\d\d of 2:00, \d+ of 22350 links up) \(\d+ s\)", text)
    assert re.search(r"writing nodes: \d+ of 150", text)
    code, text = on_terminal("doctor", "--from", str(bundle), home=tmp_path, size=(60, 120))
    assert code == 0
    assert re.search(r"reading nodes of \S+: \d+ of 150 \(\d+ s\)", text)
