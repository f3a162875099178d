"""A watch for asyncio.

A watch that can wake somebody (`when_ready`) needs no thread. Any other has a thread of its own while it
lives, so that idle watches never use up a pool.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Errored, Event
from talos_resources.state.timeout import Deadline, Timeout

S = TypeVar("S")


@runtime_checkable
class Waking(Protocol):
    """A watch that says when there may be something to take."""

    def when_ready(self, wake: Callable[[], None]) -> None:
        """Calls `wake` once, from any thread and perhaps at once, when `next_some(0)` may not time out."""
        ...

    def next_some(self, timeout: Timeout = None) -> Sequence[AnyEvent]:
        """As `Watch.next_batch`, but not more than the event loop can take at once."""
        ...


class AioWatch(Generic[S]):
    """A subscription that is live inside `async with`; leaving it, cancelled or not, releases it.

    `async for` over one that is not entered enters it, and leaves it when the loop ends: at once when it ends by itself
    or by an error, and as soon as the event loop gets to it after a `break`. One task follows a watch, as one thread does.
    """

    def __init__(self, subscribe: Callable[[], Watch[S]], *, blocking: bool) -> None:
        """Prepares.

        Args:
            subscribe: makes the watch.
            blocking: whether making it may take time.
        """
        self._subscribe = subscribe
        self._blocking = blocking
        self._source: _Woken | _Threaded | None = None
        self._buffer: deque[Event[S]] = deque()

    async def next(self, timeout: Timeout = None) -> Event[S]:  # noqa: ASYNC109 - the contract's own
        """The next event; as `Watch.next`, but the end is StopAsyncIteration."""
        if not self._buffer:
            self._buffer.extend(await self._batch(timeout))
        event = self._buffer.popleft()
        if isinstance(event, Errored):
            raise event.error
        return event

    async def next_batch(self, timeout: Timeout = None) -> Sequence[Event[S]]:  # noqa: ASYNC109 - the contract's own
        """Events that are there, at least one; as `Watch.next_batch`, but the end is StopAsyncIteration."""
        batch = list(self._buffer) or await self._batch(timeout)
        self._buffer.clear()
        return batch

    def close(self) -> None:
        """Ends the watch; a task that waits for an event gets StopAsyncIteration."""
        self._buffer.clear()
        if self._source is not None:
            self._source.close()

    def __aiter__(self) -> AsyncIterator[Event[S]]:
        return self if self._source is not None else self._alone()

    async def __anext__(self) -> Event[S]:
        return await self.next()

    async def __aenter__(self) -> Self:
        watch = await self._subscribed() if self._blocking else self._subscribe()
        self._source = _Woken(watch) if isinstance(watch, Waking) else _Threaded(watch)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def _alone(self) -> AsyncIterator[Event[S]]:
        async with self:
            async for event in self:
                yield event

    async def _subscribed(self) -> Watch[S]:
        made: list[Watch[S]] = []
        abandoned = threading.Event()

        def subscribe() -> Watch[S]:
            made.append(watch := self._subscribe())
            if abandoned.is_set():
                watch.close()
            return watch

        try:
            return await asyncio.to_thread(subscribe)
        except asyncio.CancelledError:
            # The thread cannot be stopped, and the loop may be over when it is done; what it brings is let go.
            abandoned.set()
            for watch in made:
                watch.close()
            raise

    async def _batch(self, timeout: Timeout) -> Sequence[Event[S]]:  # noqa: ASYNC109 - the contract's own
        if self._source is None:
            raise RuntimeError("enter the watch with `async with` first")
        # A watch that always has something must not keep the loop from everything else.
        await asyncio.sleep(0)
        return await self._source.batch(timeout)


class _Woken:
    """Events of a watch that wakes the loop."""

    def __init__(self, watch: Any) -> None:
        self._watch = watch

    async def batch(self, timeout: Timeout) -> Sequence[AnyEvent]:  # noqa: ASYNC109 - the contract's own
        loop = asyncio.get_running_loop()
        deadline = Deadline(timeout)
        while True:
            try:
                batch: Sequence[AnyEvent] = self._watch.next_some(0)
            except TimeoutError:
                left = deadline.left()
            except StopIteration:
                raise StopAsyncIteration from None
            else:
                return batch
            ready: asyncio.Future[None] = loop.create_future()
            self._watch.when_ready(partial(_tell, loop, ready, None))
            async with asyncio.timeout(left):
                await ready

    def close(self) -> None:
        self._watch.close()


class _Threaded:
    """Events of any watch, waited for in a thread."""

    def __init__(self, watch: Watch[Any]) -> None:
        self._watch = watch
        self._asked: asyncio.Future[_Outcome] | None = None
        self._questions: queue.SimpleQueue[Callable[[_Outcome], None] | None] = queue.SimpleQueue()
        threading.Thread(target=_answer, args=(watch, self._questions), name="aio-watch", daemon=True).start()
        self._end = weakref.finalize(self, _release, watch, self._questions)

    async def batch(self, timeout: Timeout) -> Sequence[AnyEvent]:  # noqa: ASYNC109 - the contract's own
        loop = asyncio.get_running_loop()
        if self._asked is None:
            self._asked = loop.create_future()
            self._questions.put(partial(_tell, loop, self._asked))
        # Who gives up waiting leaves the question asked: its answer is the next one's.
        async with asyncio.timeout(Deadline(timeout).remaining()):
            outcome = await asyncio.shield(self._asked)
        self._asked = None
        if isinstance(outcome, StopIteration):
            raise StopAsyncIteration
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None:
        self._end()


_Outcome = Sequence[AnyEvent] | BaseException


def _answer(watch: Watch[Any], questions: queue.SimpleQueue[Callable[[_Outcome], None] | None]) -> None:
    """Takes a batch for each question until there are no more."""
    while (answer := questions.get()) is not None:
        try:
            answer(watch.next_batch())
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            answer(error)


def _release(watch: Watch[Any], questions: queue.SimpleQueue[Callable[[_Outcome], None] | None]) -> None:
    questions.put(None)
    watch.close()


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], outcome: object) -> None:
    """Sets a future of a loop from any thread, if anybody still waits."""
    try:
        loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(outcome))
    except RuntimeError:
        if not loop.is_closed():
            raise
