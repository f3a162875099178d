"""The same for several nodes: in parallel, and one that fails does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from talos_resources.cli.parser import complain
from talos_resources.model.errors import TalosResourcesError
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Errored

T = TypeVar("T")

_PARALLEL: Final = 64
"""How many nodes are asked at a time."""


def each(names: Sequence[str], call: Callable[[str], T]) -> Iterator[tuple[str, T | TalosResourcesError]]:
    """Calls something for each node; yields the nodes in their order with what came back, or the error.

    The calls run in daemon threads, because a network call does not notice Ctrl-C; waiting for them does.
    """

    def attempt(name: str) -> T | TalosResourcesError:
        try:
            return call(name)
        except TalosResourcesError as error:
            return error

    if len(names) == 1:
        yield names[0], attempt(names[0])
        return
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
    for _ in range(min(len(names), _PARALLEL)):
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


class Answers(Generic[T]):
    """What came back of each node.

    Attributes:
        values: node → its answer.
        errors: node → why there is none, or why it ended.
    """

    def __init__(self, answers: Iterable[tuple[str, T | TalosResourcesError]]) -> None:
        self.values: dict[str, T] = {}
        self.errors: dict[str, TalosResourcesError] = {}
        for node, answer in answers:
            if isinstance(answer, TalosResourcesError):
                self.errors[node] = answer
            else:
                self.values[node] = answer

    def report(self, asked: Sequence[str]) -> int:
        """One line on stderr for each error, with its nodes; equal errors are told once.

        Returns:
            The exit code.

        Raises:
            TalosResourcesError: what every node that was asked answered.
        """
        by_text: dict[str, list[str]] = {}
        for node, error in self.errors.items():
            by_text.setdefault(error.message, []).append(node)
        for text, nodes in by_text.items():
            if len(nodes) == len(asked):
                raise self.errors[nodes[0]]
            complain(f"{', '.join(nodes)}: {text}")
        return 1 if by_text else 0


def followed(watches: Mapping[str, Watch[Any]], errors: dict[str, TalosResourcesError]) -> Iterator[tuple[str, AnyEvent]]:
    """The events of several watches as they come, until all have ended.

    Args:
        watches: by node.
        errors: gets why a watch ended.
    """
    live = len(watches)
    for node, batch in _batches(watches):
        if isinstance(batch, TalosResourcesError):
            errors[node] = batch
        elif batch is not None:
            yield from ((node, event) for event in batch)
            continue
        live -= 1
        if not live:
            return


def _batches(watches: Mapping[str, Watch[Any]]) -> Iterator[tuple[str, Sequence[AnyEvent] | TalosResourcesError | None]]:
    """The batches of events of each watch; at its end its error, or None."""
    if len(watches) == 1:
        [(node, watch)] = watches.items()
        yield from ((node, batch) for batch in _heard(watch))
        return
    from queue import SimpleQueue
    from threading import Thread

    news: SimpleQueue[tuple[str, Sequence[AnyEvent] | TalosResourcesError | None]] = SimpleQueue()

    def listen(node: str, watch: Watch[Any]) -> None:
        for batch in _heard(watch):
            news.put((node, batch))

    for node, watch in watches.items():
        Thread(target=listen, args=(node, watch), daemon=True).start()
    while True:
        yield news.get()


def _heard(watch: Watch[Any]) -> Iterator[Sequence[AnyEvent] | TalosResourcesError | None]:
    """What a watch tells, then its error, or None if it was closed."""
    while True:
        try:
            batch = watch.next_batch()
        except StopIteration:
            yield None
            return
        except TalosResourcesError as error:
            yield error
            return
        if isinstance(batch[-1], Errored):
            yield batch[:-1]
            yield batch[-1].error
            return
        yield batch
