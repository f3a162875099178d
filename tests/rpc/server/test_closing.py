"""Servers that are closed by several threads at once."""

from __future__ import annotations

import asyncio
import threading

from talos_resources.backends.memory import MemoryState
from talos_resources.rpc.server.server import BackgroundServer

PATIENCE_S = 20


def test_two_threads_may_close_a_server_at_once() -> None:
    server = BackgroundServer(MemoryState(), "127.0.0.1:0")
    stop = server._server.stop
    begun, may_end = threading.Event(), threading.Event()

    async def stop_slowly() -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.to_thread(may_end.wait, PATIENCE_S)
        await stop()

    server._server.stop = stop_slowly  # type: ignore[method-assign]
    first = threading.Thread(target=server.close, daemon=True)
    first.start()
    assert begun.wait(PATIENCE_S)
    second = threading.Thread(target=server.close, daemon=True)
    second.start()
    second.join(0.1)  # it has nothing to do, and must not take the loop from under the first
    may_end.set()
    for thread in (first, second):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
