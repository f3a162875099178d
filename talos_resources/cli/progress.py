"""A line on a terminal that tells how far long work is."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from talos_resources.cli.terminal import unguarded
from talos_resources.model.printable import printable_lines

T = TypeVar("T")

PATIENCE_S: Final = 1.0
"""What is done by then has no need of the line."""
_BETWEEN_S: Final = 0.2


def tracked(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one by one; on a terminal stderr tells how many are done, as soon as it takes a while."""
    if len(items) < 2:
        yield from items
        return
    yield from counted(items, len(items), what)


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """As `tracked`, of items that come as they are made."""
    count = Count(what, total)
    with busy(count.words):
        yield from count.passing(items)


class Count:
    """How many of so many are done, for `busy`."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0

    def passing(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each of which is done when the next one is asked for."""
        for item in items:
            yield item
            self._done += 1

    def words(self) -> str:
        """What, and how far it is."""
        return f"{self._what}: {self._done} of {self._total}"


class _Telling:
    """Work that is told, and the thread that tells it."""

    def __init__(self, what: str | Callable[[], str], began: float) -> None:
        self._what = what
        self._began = began
        self._over = threading.Event()
        self._has_shown = False
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Takes the line away; twice is no error."""
        self._over.set()
        self._thread.join()
        if self._has_shown:
            self._has_shown = False
            clear()

    def show(self) -> None:
        """Tells it now."""
        text = self._what if isinstance(self._what, str) else self._what()
        self._has_shown = True
        show(f"{text} ({time.monotonic() - self._began:.0f} s)")

    def _tell(self) -> None:
        wait = max(_BETWEEN_S, PATIENCE_S - (time.monotonic() - self._began))
        while not self._over.wait(wait):
            if _told[-1:] == [self]:  # what is within it tells more
                self.show()
            wait = _BETWEEN_S


_told: Final[list[_Telling]] = []
"""What is being done, the innermost last."""
_spell: Final = {"began": 0.0, "ended": -PATIENCE_S}
"""When the work began that was told last, and when it ended: what follows at once goes on with it."""


@contextmanager
def busy(what: str | Callable[[], str], *, at_once: bool = False) -> Iterator[None]:
    """Tells on a terminal, once it takes a while, what is done inside and since when.

    Args:
        what: in words, or what gives them, with how far it is; asked from another thread.
        at_once: tells it before it takes a while: for work that lets no other thread run.
    """
    if not sys.stderr.isatty() or _only_appends():
        yield
        return
    now = time.monotonic()
    if not _told and now - _spell["ended"] > _BETWEEN_S:
        _spell["began"] = now
    telling = _Telling(what, _spell["began"])
    if at_once:
        telling.show()
    _told.append(telling)
    try:
        yield
    finally:
        telling.end()
        _told.remove(telling)
        _spell["ended"] = time.monotonic()


def hush() -> None:
    """Tells no more of what is being done: from here on its results are on the screen."""
    for telling in tuple(_told):
        telling.end()


def nodes_of(source: str, total: int) -> Callable[[Iterable[T]], Iterator[T]]:
    """What tells how many nodes of a source have been read, of so many."""
    return lambda answers: counted(answers, total, f"reading nodes of {source}")


def past_of(source: str) -> Callable[[Sequence[str]], Iterator[str]]:
    """What tells of how many nodes of a recording the past has been read."""
    return lambda names: tracked(names, f"reading the past of nodes of {source}")


def show(text: str) -> None:
    """Replaces the line; for terminals only."""
    if _only_appends():
        return
    print(f"\r\x1b[K{printable_lines(text)}", end="", file=unguarded(sys.stderr), flush=True)


def clear() -> None:
    """Takes the line away."""
    if not _only_appends():
        print("\r\x1b[K", end="", file=unguarded(sys.stderr), flush=True)


def _only_appends() -> bool:
    """Whether the terminal can take no line away."""
    return os.environ.get("TERM") == "dumb"
