"""The same question to several nodes: in parallel, and one that fails does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from talos_resources.model.errors import TalosResourcesError
from talos_resources.state.contract import State

T = TypeVar("T")

Track = Callable[[Iterable[tuple[str, Any]]], Iterator[tuple[str, Any]]]
"""Passes answers on as they come, to tell somebody how many there are."""

PARALLEL: Final = 64
"""How many nodes are asked at a time, where asking is waiting."""


class Nodes(Protocol):
    """Nodes with their states: what asking them needs of a cluster."""

    @property
    def source(self) -> str:
        """What people call where they come from."""
        ...

    @property
    def at_once(self) -> int:
        """How many nodes are asked at a time."""
        ...

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of all nodes."""
        ...

    def select(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """The nodes to work on, under the names that were asked for."""
        ...

    def state(self, node: str) -> State:
        """The state of a node."""
        ...


def each(names: Sequence[str], call: Callable[[str], T], at_once: int = PARALLEL) -> Iterator[tuple[str, T | TalosResourcesError]]:
    """Calls something for each node; yields the nodes in their order with what came back, or the error.

    Args:
        names: of the nodes.
        call: is given a name.
        at_once: how many are asked at a time; 1 for what is all work of this process, which threads only make longer.
    """

    def attempt(name: str) -> T | TalosResourcesError:
        try:
            return call(name)
        except TalosResourcesError as error:
            return error

    if at_once == 1 or len(names) == 1:
        for name in names:
            yield name, attempt(name)
    else:
        yield from _in_threads(names, attempt, at_once)


def _in_threads(names: Sequence[str], attempt: Callable[[str], T], at_once: int) -> Iterator[tuple[str, T | TalosResourcesError]]:
    """The calls run in daemon threads, because a network call does not notice Ctrl-C; waiting for them does."""
    from queue import Empty, SimpleQueue
    from threading import Thread

    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, T | BaseException]] = SimpleQueue()

    def work() -> None:
        with suppress(Empty):
            while True:
                name = waiting.get_nowait()
                try:
                    done.put((name, attempt(name)))
                except BaseException as error:  # noqa: BLE001 - raised again by who waits for it
                    done.put((name, error))

    for name in names:
        waiting.put(name)
    for _ in range(min(len(names), at_once)):
        Thread(target=work, daemon=True).start()
    results: dict[str, T | BaseException] = {}
    for name in names:
        while name not in results:
            finished, result = done.get()
            results[finished] = result
        result = results[name]
        if isinstance(result, BaseException) and not isinstance(result, TalosResourcesError):
            raise result
        yield name, result
