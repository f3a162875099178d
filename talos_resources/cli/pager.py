"""Long output on a terminal goes through a pager, as with git; what fits the screen, and what goes elsewhere, does not.

$TALOS_RESOURCES_PAGER decides, else $PAGER, else less; `cat` or nothing turns it off. LESS=FRX unless it is set.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from talos_resources.cli.terminal import GuardedTerminal, unguarded

if TYPE_CHECKING:
    from subprocess import Popen

PAGED: Final = frozenset(
    {
        "get",
        "rd",
        "api-resources",
        "explain",
        "mesh",
        "doctor",
        "history",
        "diff",
        "events",
        "kubespan",
        "discovery",
        "validate",
        "simulate",
    }
)
"""The commands whose output is read, not watched, and that ask nothing."""
_LIVE: Final = ("watch", "serve", "listen")


class _Paged:
    """A terminal that hands on to a pager what it cannot show at once."""

    def __init__(self, stream: TextIO, command: str, lines: int) -> None:
        self._stream = stream
        self._command = command
        self._room = lines - 1
        self._held: list[str] = []
        self._process: Popen[str] | None = None

    def write(self, text: str) -> int:
        """Holds what fits the screen; the line after that starts the pager."""
        if self._process is not None:
            assert self._process.stdin is not None
            return self._process.stdin.write(text)
        self._held.append(text)
        self._room -= text.count("\n")
        if self._room < 0:
            self._start()
        return len(text)

    def flush(self) -> None:
        """Shows nothing yet: all of it comes at once, or through the pager."""

    def finish(self) -> None:
        """Shows what fits, or waits until the pager has been left."""
        if self._process is None:
            self._stream.write("".join(self._held))
            self._stream.flush()
            return
        with suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        while self._process.poll() is None:
            with suppress(KeyboardInterrupt):  # Ctrl-C is the pager's while it is there
                self._process.wait()

    def _start(self) -> None:
        import subprocess

        environment = {"LESS": "FRX", "LV": "-c", **os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S602 - a command of the user's own, with its arguments
                self._command,
                shell=True,
                stdin=subprocess.PIPE,
                text=True,
                encoding=self._stream.encoding,
                errors="replace",
                env=environment,
            )
        except OSError:
            self._room = sys.maxsize
            return
        assert self._process.stdin is not None
        self._process.stdin.write("".join(self._held))
        self._held = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def paged(name: str, args: Namespace, run: Callable[[], int]) -> int:
    """Runs a command; what it prints goes through the pager if it is to be read.

    Returns:
        Its exit code; 0 if the pager was left before all was there.
    """
    live = any(getattr(args, flag, None) for flag in _LIVE)
    return run() if name not in PAGED or live else _through_pager(run)


def show(text: str) -> None:
    """Prints a text that is to be read, such as a help."""

    def run() -> int:
        sys.stdout.write(text)
        return 0

    _through_pager(run)


def _through_pager(run: Callable[[], int]) -> int:
    """What this prints goes through the pager if it is long and there is a terminal.

    Returns:
        What it returns; 0 if the pager was left before all was there.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb" or (command := _command()) is None:
        return run()
    guarded, stream = sys.stdout, unguarded(sys.stdout)
    screen = _Paged(stream, command, os.get_terminal_size(stream.fileno()).lines or sys.maxsize)
    sys.stdout = cast("TextIO", GuardedTerminal(cast("TextIO", screen)))
    try:
        return run()
    except BrokenPipeError:
        return 0
    finally:
        sys.stdout = guarded
        screen.finish()


def _command() -> str | None:
    """What pages; None if nothing is to."""
    import shutil

    for name in ("TALOS_RESOURCES_PAGER", "PAGER"):
        if (chosen := os.environ.get(name)) is not None:
            return chosen if chosen.strip() not in {"", "cat"} else None
    return "less" if shutil.which("less") else None
