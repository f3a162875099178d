"""`aconnect`: a live node for asyncio, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.errors import ConfigError, NotFoundError, TalosResourcesError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.aconnect import aconnect
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.state.aio import AioState
from talos_resources.state.events import Bootstrapped, Created, Updated
from talos_resources.testing.node import TalosNode
from tests.docs.test_examples import blocks


@pytest.fixture
def node(tmp_path: Path) -> Iterator[TalosNode]:
    with TalosNode(tmp_path) as served:
        served.state.create(Resource.new(KubeSpanPeerStatus(label="worker-1"), id="abc="))
        yield served


def open_sockets() -> int:
    """Sockets of this process that Python knows of."""
    gc.collect()
    return sum(isinstance(each, socket.socket) and each.fileno() != -1 for each in gc.get_objects())


@pytest.fixture
def clean() -> Iterator[Callable[[Coroutine[Any, Any, Any]], None]]:
    """Runs a coroutine and sees that it leaves no thread and no socket."""

    def run(work: Coroutine[Any, Any, Any]) -> None:
        threads, sockets = set(threading.enumerate()), open_sockets()
        asyncio.run(asyncio.wait_for(work, 60))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (left(threads) or open_sockets() > sockets):
            time.sleep(0.02)  # the server's side notices a little later
        assert left(threads) == []
        assert open_sockets() <= sockets

    def left(threads: set[threading.Thread]) -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread not in threads]

    return run  # type: ignore[return-value]


def test_the_same_arguments() -> None:
    assert inspect.signature(aconnect) == inspect.signature(connect)
    with pytest.raises(ConfigError):
        aconnect(nodes=["a", "b"], insecure=True)


def test_reads_watches_and_leaves_nothing(node: TalosNode, clean: Any) -> None:
    async def work() -> None:
        async with aconnect(talosconfig=node.talosconfig) as state:
            assert isinstance(state, AioState)
            assert (await state.get(KubeSpanPeerStatus, label="worker-1")).id == "abc="
            with pytest.raises(NotFoundError):
                await state.get(KubeSpanPeerStatus, "def=")
            seen: list[type[Any]] = []
            async for event in state.watch_kind(KubeSpanPeerStatus):
                seen.append(type(event))
                if isinstance(event, Bootstrapped):
                    held = await state.get(KubeSpanPeerStatus, "abc=")
                    node.state.update(held.with_spec(receive_bytes=5))
                if isinstance(event, Updated):
                    break
            assert seen == [Created, Bootstrapped, Updated]

    clean(work())


def test_a_cancelled_watch_leaves_nothing(node: TalosNode, clean: Any) -> None:
    async def follow(state: AioState, began: asyncio.Event) -> None:
        async for event in state.watch_kind(KubeSpanPeerStatus):
            if isinstance(event, Bootstrapped):
                began.set()

    async def work() -> None:
        async with aconnect(talosconfig=node.talosconfig) as state:
            began = [asyncio.Event() for _ in range(5)]
            tasks = [asyncio.create_task(follow(state, each)) for each in began]
            await asyncio.gather(*(each.wait() for each in began))
            for task in tasks:
                task.cancel()
            assert [type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == [asyncio.CancelledError] * 5

    clean(work())


def test_a_cancelled_block_leaves_nothing(node: TalosNode, clean: Any) -> None:
    async def hold(began: asyncio.Event) -> None:
        async with aconnect(talosconfig=node.talosconfig) as state, state.watch_kind(KubeSpanPeerStatus) as events:
            await events.next(30)
            began.set()
            await asyncio.sleep(60)

    async def work() -> None:
        began = asyncio.Event()
        task = asyncio.create_task(hold(began))
        await began.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # again, while it is leaving
        with pytest.raises(asyncio.CancelledError):
            await task

    clean(work())


def test_an_error_in_the_block_is_the_one_that_is_told(node: TalosNode, clean: Any) -> None:
    async def work() -> None:
        with pytest.raises(ZeroDivisionError):
            async with aconnect(talosconfig=node.talosconfig) as state:
                await state.list(KubeSpanPeerStatus)
                _ = 1 // 0

    clean(work())


def test_a_call_to_somebody_who_does_not_answer_ends_with_the_block(clean: Any) -> None:
    """The thread of the call would keep the event loop from ending until the call's own time is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def work() -> None:
            async with AioState(connect_plain(f"127.0.0.1:{silent.getsockname()[1]}", timeout=200)) as state:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(state.list(KubeSpanPeerStatus), 0.3)

        began = time.monotonic()
        clean(work())
        assert time.monotonic() - began < 150


def test_who_is_waiting_when_it_closes_is_told(node: TalosNode, clean: Any) -> None:
    async def work() -> None:
        state = aconnect(talosconfig=node.talosconfig)
        async with state.watch_kind(KubeSpanPeerStatus) as events:
            await events.next(30)
            await events.next(30)
            waiting = asyncio.create_task(events.next())
            await asyncio.sleep(0.05)
            await state.close()
            with pytest.raises((StopAsyncIteration, TalosResourcesError, RuntimeError)):
                await asyncio.wait_for(waiting, 10)

    clean(work())


def test_a_client_that_leaves_a_stream_of_the_documented_application(node: TalosNode, clean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The FastAPI application of docs/asyncio.md: the watch of the node ends with the client's connection."""
    monkeypatch.setenv("TALOSCONFIG", str(node.talosconfig))
    page = Path(__file__).parents[3] / "docs" / "asyncio.md"
    [source] = [block.text for block in blocks(page.read_text(encoding="utf-8")) if "FastAPI(" in block.text]
    names: dict[str, Any] = {"KubeSpanPeerStatus": KubeSpanPeerStatus, "aconnect": aconnect, "AioState": AioState, "asyncio": asyncio}
    exec(source.partition("async def try_it")[0], names)
    app = names["app"]

    async def work() -> None:
        gone, bodies = asyncio.Event(), []

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if body := message.get("body"):
                bodies.append(body)
            if len(bodies) == 2:
                gone.set()

        head = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "query_string": b""}
        scope = {**head, "path": "/events", "raw_path": b"/events", "root_path": "", "headers": [], "app": app}
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app(scope, receive, send), 60)
        assert [json.loads(body)["event"] for body in bodies] == ["created", "bootstrapped"]

    clean(work())
