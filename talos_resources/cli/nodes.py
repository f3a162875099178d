"""What came back of several nodes, and what goes on coming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from talos_resources.cli.parser import complain
from talos_resources.model.errors import TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.state.contract import Watch
    from talos_resources.state.events import AnyEvent

T = TypeVar("T")


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
    if not live:
        return
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

    news: SimpleQueue[tuple[str, Sequence[AnyEvent] | Exception | None]] = SimpleQueue()

    def listen(node: str, watch: Watch[Any]) -> None:
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
