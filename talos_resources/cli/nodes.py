"""What came back of several nodes, and what goes on coming."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from talos_resources.cli.parser import complain
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.printable import printable

if TYPE_CHECKING:
    from talos_resources.state.contract import Watch
    from talos_resources.state.events import AnyEvent

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Answers(Generic[T]):
    """What came back of each node.

    Attributes:
        values: node → its answer.
        errors: node → why there is none, or why it ended.
    """

    def __init__(self, answers: Iterable[tuple[str, T | TalosResourcesError]]) -> None:
        self.values: dict[str, T] = {}
        self.errors: dict[str, TalosResourcesError] = {}
        self._further: list[tuple[str, TalosResourcesError]] = []
        self._told: set[tuple[str, str]] = set()
        for node, answer in answers:
            if isinstance(answer, TalosResourcesError):
                self.errors[node] = answer
            else:
                self.values[node] = answer

    def fail(self, node: str, error: TalosResourcesError) -> None:
        """Takes an error of a node, which may have had others."""
        if node in self.errors:
            self._further.append((node, error))
        else:
            self.errors[node] = error

    def tell(self, asked: Sequence[str]) -> None:
        """One line on stderr for each error that was not told yet, with its nodes; equal errors are told once."""
        self._tell(self._by_text(), asked)

    def _tell(self, by_text: Mapping[str, Mapping[str, TalosResourcesError]], asked: Sequence[str]) -> None:
        for text, nodes in by_text.items():
            if untold := [node for node in nodes if (node, text) not in self._told]:
                self._told.update((node, text) for node in untold)
                complain(text if len(untold) == len(asked) else f"{', '.join(untold)}: {text}")

    def report(self, asked: Sequence[str]) -> int:
        """Tells what was not told yet; see `tell`.

        Returns:
            The exit code.

        Raises:
            TalosResourcesError: what every node that was asked answered.
        """
        by_text = self._by_text()
        if len(by_text) == 1 and not self._told and len(nodes := next(iter(by_text.values()))) == len(asked):
            raise nodes[asked[0]]
        self._tell(by_text, asked)
        return 1 if by_text else 0

    def _by_text(self) -> dict[str, dict[str, TalosResourcesError]]:
        by_text: dict[str, dict[str, TalosResourcesError]] = {}
        for node, error in (*self.errors.items(), *self._further):
            by_text.setdefault(error.message, {})[node] = error
        return by_text


def note(node: str, text: str) -> None:
    """Tells on stderr what comes up with a node while it is followed; what is on stdout so far goes before it."""
    sys.stdout.flush()
    print(printable(f"{node}: {text}"), file=sys.stderr, flush=True)


def followed(watches: Mapping[K, Watch[Any]], on_end: Callable[[K, TalosResourcesError], None]) -> Iterator[tuple[K, AnyEvent]]:
    """The events of several watches as they come, until all have ended.

    Args:
        watches: by node, or whatever tells them apart.
        on_end: told why a watch ended, when it does.
    """
    live = len(watches)
    if not live:
        return
    for node, batch in _batches(watches):
        if isinstance(batch, TalosResourcesError):
            on_end(node, batch)
        elif batch is not None:
            yield from ((node, event) for event in batch)
            continue
        live -= 1
        if not live:
            return


def _batches(watches: Mapping[K, Watch[Any]]) -> Iterator[tuple[K, Sequence[AnyEvent] | TalosResourcesError | None]]:
    """The batches of events of each watch; at its end its error, or None."""
    if len(watches) == 1:
        [(node, watch)] = watches.items()
        yield from ((node, batch) for batch in _heard(watch))
        return
    from queue import SimpleQueue
    from threading import Thread

    news: SimpleQueue[tuple[K, Sequence[AnyEvent] | Exception | None]] = SimpleQueue()

    def listen(node: K, watch: Watch[Any]) -> None:
        try:
            for batch in _heard(watch):
                news.put((node, batch))
        except Exception as error:  # noqa: BLE001 - raised again by who waits for it
            news.put((node, error))

    for node, watch in watches.items():
        Thread(target=listen, args=(node, watch), daemon=True).start()
    while True:
        node, told = news.get()
        if isinstance(told, Exception) and not isinstance(told, TalosResourcesError):
            raise told
        yield node, told


def _heard(watch: Watch[Any]) -> Iterator[Sequence[AnyEvent] | TalosResourcesError | None]:
    """What a watch tells, then its error, or None if it was closed."""
    from talos_resources.state.events import Errored

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
