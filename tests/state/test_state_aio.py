"""The asyncio adapter, over a state that wakes and over one that can only be waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError, NotFoundError, WatchError, WatchOverrunError
from talos_resources.state.aio import AioState
from talos_resources.state.aio_watch import Waking
from talos_resources.state.contract import Watch
from talos_resources.state.derived import add_finalizer, remove_finalizer, update_with_conflicts
from talos_resources.state.events import Errored
from talos_resources.state.waiting import Condition
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, brief, path

T = TypeVar("T")


class Waited:
    """A watch that can do no more than the contract says."""

    def __init__(self, watch: Watch[Any]) -> None:
        self._watch = watch
        self.next, self.next_batch, self.close = watch.next, watch.next_batch, watch.close


class RemoteState(MemoryState):
    """A state whose calls may take time, as those of a node do."""

    blocking = True  # type: ignore[misc]

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        return Waited(super().watch(*args, **kwargs))

    def watch_kind(self, *args: Any, **kwargs: Any) -> Any:
        return Waited(super().watch_kind(*args, **kwargs))


@pytest.fixture(params=[MemoryState, RemoteState])
def state(request: pytest.FixtureRequest) -> Any:
    return request.param(capacity=10, gap=0)


def run(work: Coroutine[Any, Any, T]) -> T:
    async def limited() -> T:
        return await asyncio.wait_for(work, PATIENCE)

    return asyncio.run(limited())


def test_both_sorts_are_met() -> None:
    assert isinstance(MemoryState().watch_kind(PATHS), Waking)
    assert not isinstance(RemoteState().watch_kind(PATHS), Waking)


def test_calls(state: MemoryState) -> None:
    async def work() -> None:
        node = AioState(state)
        first = await node.create(path("a"))
        second = await node.update(first.with_labels(l="1"))
        assert await node.get(PATHS, "a") == second
        assert await node.list(PATHS, labels="l=1") == (second,)
        assert (await node.kind("kubespanpeerstatus")).display_type == "KubeSpanPeerStatus"
        third = await node.call(update_with_conflicts, PATHS, "a", lambda resource: resource.with_labels(l="2"))
        assert third.version == 3
        await node.destroy(PATHS, "a")
        with pytest.raises(NotFoundError):
            await node.get(PATHS, "a")
        await node.close()

    run(work())


def test_a_watch_tells_what_other_threads_write(state: MemoryState) -> None:
    def write() -> None:
        for name in "bcdefg":
            state.create(path(name))

    async def work() -> list[str]:
        state.create(path("a"))
        words = []
        async with AioState(state).watch_kind(PATHS) as events:
            thread = threading.Thread(target=write)
            async for event in events:
                words.append(brief(event))
                if words[-1] == "Bootstrapped":
                    thread.start()
                if words[-1] == "+g1":
                    break
            thread.join()
        return words

    assert run(work()) == ["+a1", "Bootstrapped", *(f"+{name}1" for name in "bcdefg")]


def test_a_timeout_loses_nothing(state: MemoryState) -> None:
    async def work() -> None:
        async with AioState(state).watch_kind(PATHS, bootstrap=False) as events:
            for timeout in (0, 0.01):
                with pytest.raises(TimeoutError):
                    await events.next(timeout)
            state.create(path("a"))
            assert brief(await events.next()) == "+a1"
            state.create(path("b"))
            assert [brief(event) for event in await events.next_batch(PATIENCE)] == ["+b1"]

    run(work())


def test_cancelling_releases_the_watch(state: MemoryState) -> None:
    async def follow() -> None:
        async with AioState(state).watch_kind(PATHS, bootstrap=False) as events:
            started.set()
            async for _ in events:
                pass

    async def work() -> None:
        task = asyncio.create_task(follow())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = asyncio.Event()
    before = set(threading.enumerate())
    run(work())
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    state.create(path("a"))  # nobody is woken whose loop is closed


def test_many_idle_watches_of_a_waking_state_need_no_thread() -> None:
    async def work() -> None:
        state = MemoryState()
        node = AioState(state)

        async def first() -> str:
            async with node.watch_kind(PATHS, bootstrap=False) as events:
                ready.release()
                return brief(await events.next())

        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(first()) for _ in range(200)]
        for _ in tasks:
            await ready.acquire()
        assert set(threading.enumerate()) <= before
        await asyncio.to_thread(state.create, path("a"))
        assert set(await asyncio.gather(*tasks)) == {"+a1"}

    before = set(threading.enumerate())
    run(work())


def test_the_end_of_the_state_ends_the_iteration(state: MemoryState) -> None:
    async def work() -> None:
        node = AioState(state)
        async with node.watch_kind(PATHS, bootstrap=False) as events:
            closing = asyncio.get_running_loop().call_later(0.01, state.close)
            assert [event async for event in events] == []
            closing.cancel()
            with pytest.raises(StopAsyncIteration):
                await events.next()
        with pytest.raises(WatchError, match="was closed"):
            await node.watch_for(PATHS, "a", Condition(finalizers_empty=True))

    run(work())


def test_an_overrun_is_raised(state: MemoryState) -> None:
    async def work() -> None:
        async with AioState(state).watch_kind(PATHS, bootstrap=False) as events:
            for n in range(11):
                state.create(path(str(n)))
            with pytest.raises(WatchOverrunError):
                await events.next()
        async with AioState(state).watch_kind(PATHS, bootstrap=False) as events:
            for n in range(11):
                state.create(path(str(n), namespace="default").with_metadata(id=f"again{n}"))
            assert isinstance((await events.next_batch())[-1], Errored)

    run(work())


def test_waiting_operations(state: MemoryState) -> None:
    async def work() -> None:
        node = AioState(state)
        state.create(path("a", finalizers=("f",)))
        with pytest.raises(TimeoutError):
            await node.watch_for(PATHS, "a", Condition(finalizers_empty=True), timeout=0.01)
        destroying = asyncio.create_task(node.teardown_and_destroy(PATHS, "a"))
        await node.watch_for(PATHS, "a", Condition(predicate=lambda resource: resource.phase == "tearingDown"))
        assert not destroying.done()
        await node.call(add_finalizer, PATHS, "a", "g")
        await node.call(remove_finalizer, PATHS, "a", "f")
        await node.call(remove_finalizer, PATHS, "a", "g")
        await destroying
        assert await node.list(PATHS) == ()

    run(work())


def test_a_watch_is_entered_first(state: MemoryState) -> None:
    async def work() -> None:
        with pytest.raises(RuntimeError, match="async with"):
            await AioState(state).watch_kind(PATHS).next()

    run(work())


class SilentState(RemoteState):
    """A node that does not answer: what waits for it fails when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = threading.Event()

    def get(self, *_args: Any, **_kwargs: Any) -> Any:
        assert self._closing.wait(PATIENCE)
        raise ConnectError("closed by this side")

    def close(self) -> None:
        self._closing.set()


def test_closing_ends_the_calls_that_wait_however_many_they_are() -> None:
    async def work() -> None:
        node = AioState(SilentState())
        calls = [asyncio.create_task(node.get(PATHS, "a")) for _ in range(100)]
        await asyncio.sleep(0)
        await node.close()
        assert {type(answer) for answer in await asyncio.gather(*calls, return_exceptions=True)} == {ConnectError}

    run(work())


class SlowState(RemoteState):
    """A state that takes as long as it is told to subscribe a watch, which tells when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end, self.closed = threading.Event(), threading.Event(), threading.Event()

    def watch_kind(self, *args: Any, **kwargs: Any) -> Any:
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        watch = super().watch_kind(*args, **kwargs)
        watch.close = self.closed.set
        return watch


def test_a_watch_that_is_made_when_nobody_waits_any_more_is_closed() -> None:
    async def work() -> None:
        state = SlowState()
        asyncio.create_task(AioState(state).watch_kind(PATHS).__aenter__())  # noqa: RUF006 - it ends with the others
        await asyncio.to_thread(state.begun.wait, PATIENCE)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:  # as at the end of `asyncio.run`
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        state.may_end.set()
        assert await asyncio.to_thread(state.closed.wait, PATIENCE)

    asyncio.run(work())
