"""A line on a terminal that tells how far long work is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from talos_resources.cli.terminal import unguarded

T = TypeVar("T")


def tracked(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one by one; on a terminal stderr tells how many are done, as soon as it takes a while."""
    if len(items) < 2 or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=what, console=Console(file=unguarded(sys.stderr)), transient=True)
