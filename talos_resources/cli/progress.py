"""A line on a terminal that tells how far long work is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    if not sys.stderr.isatty():
        yield from items
        return
    told = False
    due = time.monotonic() + PATIENCE_S
    try:
        for number, item in enumerate(items):
            yield item
            now = time.monotonic()
            if now >= due:
                told, due = True, now + _BETWEEN_S
                show(f"{what}: {number + 1} of {total}")
    finally:
        if told:
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
