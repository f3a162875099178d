"""Asking a cluster what may come next, without making the shell wait.

Where there are forks a child asks: it goes on after the shell has been answered, so that a cluster that is too slow for
one key has its answer remembered for the next.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_LONGEST_S: Final = 10
"""Who has not answered by then is not waited for in the background either."""

Ask = Callable[[], list[str]]


def answer_in_time(ask: Ask, remember: Callable[[list[str]], None], deadline_s: float) -> list[str] | None:
    """What somebody answers within a time; None if it takes longer or fails.

    Args:
        ask: may take long, or raise anything.
        remember: is told of every answer, also of one that comes later, from another process perhaps.
        deadline_s: how long to wait.
    """
    return _by_child(ask, remember, deadline_s) if hasattr(os, "fork") else _by_thread(ask, remember, deadline_s)


def _by_thread(ask: Ask, remember: Callable[[list[str]], None], deadline_s: float) -> list[str] | None:
    answers: list[list[str]] = []

    def run() -> None:
        with suppress(Exception):
            answers.append(ask())
            remember(answers[0])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline_s)
    return answers[0] if answers else None


def _by_child(ask: Ask, remember: Callable[[list[str]], None], deadline_s: float) -> list[str] | None:
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            _alone(writer)
            answer = ask()
            remember(answer)
            with os.fdopen(writer, "wb") as file:
                file.write(json.dumps(answer).encode())
        finally:
            os._exit(0)  # whatever went wrong: nobody is there to be told
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        told, until = b"", time.monotonic() + deadline_s
        while select.select([file], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(reader, 1 << 16)
            told += part
            if not part:
                return [str(value) for value in json.loads(told)] if told else None
    return None


def _alone(kept: int) -> None:
    """Lets go of the shell, which waits until nobody holds its pipes, and of its keys; and ends some day."""
    os.setsid()
    signal.alarm(_LONGEST_S)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.closerange(3, kept)
    os.closerange(kept + 1, 1024)
