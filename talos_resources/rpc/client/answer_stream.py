"""The answer to one Watch call, as the events that it brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from talos_resources.model.errors import ConnectError, DecodeError, WatchError
from talos_resources.rpc.client.call import MESSAGE_COST, Messages, too_large
from talos_resources.rpc.event_messages import events_of
from talos_resources.rpc.messages import check_type
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated


class AnswerStream:
    """See `talos_resources.rpc.client.event_stream.EventStream`."""

    def __init__(self, answer: Messages, type: str, *, limit: int | None, fail: Callable[[RpcError | ConnectError], NoReturn]) -> None:
        """Begins with what says that the watch is subscribed; see `confirm`.

        Args:
            answer: its messages.
            type: of the resources.
            limit: how many bytes the contents may take that it begins with; None if it begins with none.
            fail: raises what went wrong as an error of our tree.
        """
        self.size = 0
        self._answer = answer
        self._batches = iter(answer)
        self._type = type
        self._limit = limit
        self._contents = 0
        self._fail = fail
        self._rest: list[bytes] = []
        self._fault: DecodeError | None = None

    def confirm(self) -> None:
        """Waits for the empty message that says that the watch is subscribed.

        Raises:
            TalosResourcesError: it is refused.
        """
        batch = self._next()
        if batch is None:
            raise ConnectError("the other side ended the watch at once")
        self._rest = batch[1:]

    def read(self) -> list[AnyEvent] | None:
        """See `EventStream`."""
        if self._fault is not None:
            raise self._fault
        batch, self._rest = (self._rest, []) if self._rest else (self._next(), [])
        if batch is None:
            return None
        self.size = sum(map(len, batch))
        events = self._events(batch)
        if self._limit is not None:
            self._count(self._limit, self.size + MESSAGE_COST * len(batch), events)
        return events

    def close(self) -> None:
        """See `EventStream`."""
        self._answer.close()

    def _events(self, batch: list[bytes]) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for message in batch:
            try:
                for event in events_of(message):
                    if isinstance(event, Created | Updated | Destroyed) and event.resource is not None:
                        check_type(event.resource, self._type)
                    events.append(event)
            except DecodeError as error:
                if not events:
                    raise
                self._fault = error  # what came before it counts
                break
        return events

    def _count(self, limit: int, size: int, events: list[AnyEvent]) -> None:
        if any(isinstance(event, Bootstrapped) for event in events):
            self._limit = None
            return
        self._contents += size
        if self._contents > limit:
            raise WatchError(f"the watch of {self._type} begins with too much: {too_large(limit)}")

    def _next(self) -> list[bytes] | None:
        try:
            return next(self._batches, None)
        except TransportError as error:
            self._fail(ConnectError(f"{self._answer.address}: {error.reason}", silent=error.silent))
        except RpcError as error:
            self._fail(error)
