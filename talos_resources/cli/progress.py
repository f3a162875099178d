"""A line on a terminal that tells how far long work is."""

from __future__ import annotations

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
    done = 0
    with busy(lambda: f"{what}: {done} of {total}"):
        for item in items:
            yield item
            done += 1


@contextmanager
def busy(what: str | Callable[[], str]) -> Iterator[None]:
    """Tells on a terminal, once it takes a while, what is done inside and since when.

    Args:
        what: in words, or what gives them, with how far it is; asked from another thread.
    """
    if not sys.stderr.isatty():
        yield
        return
    over, began = threading.Event(), time.monotonic()

    def tell() -> None:
        wait = PATIENCE_S
        while not over.wait(wait):
            text = what if isinstance(what, str) else what()
            show(f"{text} ({time.monotonic() - began:.0f} s)")
            wait = _BETWEEN_S

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        if time.monotonic() - began > PATIENCE_S:
            clear()


def nodes_of(source: str, total: int) -> Callable[[Iterable[T]], Iterator[T]]:
    """What tells how many nodes of a source have been read, of so many."""
    return lambda answers: counted(answers, total, f"reading nodes of {source}")


def show(text: str) -> None:
    """Replaces the line; for terminals only."""
    print(f"\r\x1b[K{printable_lines(text)}", end="", file=unguarded(sys.stderr), flush=True)


def clear() -> None:
    """Takes the line away."""
    print("\r\x1b[K", end="", file=unguarded(sys.stderr), flush=True)
