"""Any State for asyncio: the contract's calls as coroutines, its watches as asynchronous iterators.

```python
async with aconnect(nodes="10.0.0.1") as node:  # or AioState(any state)
    peer = await node.get(KubeSpanPeerStatus, label="worker-1")
    async for event in node.watch_kind(KubeSpanPeerStatus): ...
    await node.call(add_finalizer, KubeSpanPeerStatus, key, "me")      # any function that takes a State first
```

Calls of a state that answers from memory (its `blocking` is False) are made in the event loop, those of
any other in a thread. `talos_resources.state.aio_watch` says how watches do without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from talos_resources.model.errors import WatchError
from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Phase
from talos_resources.model.query import Labels
from talos_resources.model.resource import Resource
from talos_resources.state.aio_watch import AioWatch
from talos_resources.state.contract import State
from talos_resources.state.derived import destroy_released, teardown
from talos_resources.state.listing import ResourceList
from talos_resources.state.timeout import Deadline, Timeout
from talos_resources.state.waiting import GONE, RELEASED, Condition, told

S = TypeVar("S")
R = TypeVar("R")
P = ParamSpec("P")


class AioState:
    """A State for asyncio; the calls are those of `talos_resources.state.contract.State`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.blocking = bool(getattr(state, "blocking", True))

    async def call(self, function: Callable[Concatenate[State, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function of a State, such as a derived operation.

        Those that wait for others (`watch_for`, `teardown_and_destroy`) are methods here, which can be
        cancelled.
        """
        return await self._do(function, self.state, *args, **kwargs)

    async def get(
        self, kind: type[S] | Kind[S], id: str | None = None, *, label: str | None = None, namespace: str | None = None
    ) -> Resource[S]:
        """The resource; see `State.get`."""
        return await self._do(self.state.get, kind, id, label=label, namespace=namespace)

    async def list(
        self, kind: type[S] | Kind[S], *, namespace: str | None = None, labels: Labels = (), ids: str | None = None
    ) -> ResourceList[S]:
        """All resources of the kind that match; see `State.list`."""
        return await self._do(self.state.list, kind, namespace=namespace, labels=labels, ids=ids)

    async def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        return await self._do(self.state.create, resource, owner=owner)

    async def update(self, resource: Resource[S], *, owner: str | None = None, expected_phase: Phase | None = Phase.RUNNING) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""
        return await self._do(self.state.update, resource, owner=owner, expected_phase=expected_phase)

    async def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource; see `State.destroy`."""
        await self._do(self.state.destroy, kind, id, namespace=namespace, owner=owner)

    async def kind(self, name: str) -> Kind[Any]:
        """The kind of this name; see `State.kind`."""
        return await self._do(self.state.kind, name)

    async def close(self) -> None:
        """Closes the state, see `State.close`: its watches end, and calls that wait for an answer fail."""
        if not self.blocking:
            self.state.close()
            return
        # Not by a thread of the loop, which may all be waiting for what this ends.
        pool = ThreadPoolExecutor(1)
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self.state.close)
        finally:
            pool.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Also where the task is being cancelled, and again and again: what is open then would stay open.
        closing = asyncio.ensure_future(self.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    def watch(
        self,
        kind: type[S] | Kind[S],
        id: str,
        *,
        namespace: str | None = None,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
    ) -> AioWatch[S]:
        """Follows one resource, see `State.watch`: subscribed by `async with`, or as long as `async for` goes on."""
        watch = partial(self.state.watch, kind, id, namespace=namespace, tail_events=tail_events, start_from_bookmark=start_from_bookmark)
        return AioWatch(watch, blocking=self.blocking)

    def watch_kind(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        bootstrap: bool = True,
        bootstrap_bookmark: bool = False,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> AioWatch[S]:
        """Follows a kind, see `State.watch_kind`: subscribed by `async with`, or as long as `async for` goes on."""
        watch = partial(
            self.state.watch_kind,
            kind,
            namespace=namespace,
            bootstrap=bootstrap,
            bootstrap_bookmark=bootstrap_bookmark,
            tail_events=tail_events,
            start_from_bookmark=start_from_bookmark,
            labels=labels,
            ids=ids,
        )
        return AioWatch(watch, blocking=self.blocking)

    async def watch_for(
        self,
        kind: type[S] | Kind[S],
        id: str,
        *conditions: Condition[S],
        namespace: str | None = None,
        timeout: Timeout = None,  # noqa: ASYNC109 - the contract's own, a timedelta too
    ) -> Resource[S] | None:
        """Waits until one of the conditions holds; see `talos_resources.state.waiting.watch_for`."""
        deadline = Deadline(timeout)
        async with self.watch(kind, id, namespace=namespace) as events:
            while True:
                try:
                    event = await events.next(deadline.remaining())
                except StopAsyncIteration:
                    raise WatchError(f"the state was closed while waiting for {id}") from None
                if not conditions or any(condition.holds(event) for condition in conditions):
                    return told(event)

    async def teardown_and_destroy(
        self,
        kind: type[Any] | Kind[Any],
        id: str,
        *,
        namespace: str | None = None,
        owner: str | None = None,
        timeout: Timeout = None,  # noqa: ASYNC109 - the contract's own, a timedelta too
    ) -> None:
        """Tears a resource down and destroys it; see `talos_resources.state.derived.teardown_and_destroy`."""
        deadline = Deadline(timeout)
        await self.call(teardown, kind, id, namespace=namespace, owner=owner)
        while not await self.call(destroy_released, kind, id, namespace=namespace, owner=owner):
            await self.watch_for(kind, id, RELEASED, GONE, namespace=namespace, timeout=deadline.remaining())

    async def _do(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self.blocking:
            return await asyncio.to_thread(function, *args, **kwargs)
        return function(*args, **kwargs)
