"""What is closed, by whom and when: servers by several threads at once, connections that nobody uses."""

from __future__ import annotations

import asyncio
import threading
import time

from talos_resources.backends.memory import MemoryState
from talos_resources.rpc.server.connection import ClientConnection
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.raw import LIST, Raw

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


def test_a_connection_whose_call_was_refused_is_closed_when_it_stays_without_any() -> None:
    with BackgroundServer(MemoryState(), "127.0.0.1:0", limits=Limits(calls_each=1)) as server:
        connections = server._server._connections
        busy = Raw(server.address)
        busy.request(LIST, b"", end=False)
        end = time.monotonic() + PATIENCE_S
        while not connections._calls:
            assert time.monotonic() < end
            time.sleep(0.01)
        idle = Raw(server.address)
        idle.answer(idle.request(LIST, b""))  # it is refused
        timers = [connection._idle for connection in connections if isinstance(connection, ClientConnection) and not connection.calls]
        assert [timer is not None and not timer.cancelled() for timer in timers] == [True]
        busy.socket.close()
        idle.socket.close()
