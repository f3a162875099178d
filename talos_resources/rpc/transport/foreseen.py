"""A request that is sent before it is asked for.

The first connection of a process takes 40 ms, most of it while Rust gathers randomness. A command that is
going to ask for the types of a node sends that question first and loads what it needs for the answer meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import NoReturn

from talos_resources.codec.protowire import lengthened
from talos_resources.rpc.framing import frame
from talos_resources.rpc.transport.contract import Reply, Transport


def list_of_definitions() -> bytes:
    """The framed ListRequest for the resource definitions, as `RemoteState.list` sends it."""
    return frame(lengthened(b"\x0a", b"meta") + lengthened(b"\x12", b"ResourceDefinitions.meta.cosi.dev"))


class ForeseenTransport:
    """A transport that has sent a request already, and has its reply or error for whoever asks the very same first."""

    def __init__(self, transport: Transport, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> None:
        """Sends the request, in a thread; the arguments are those of `Transport.gather`."""
        self.address = transport.address
        self._transport = transport
        self._question = path, tuple(headers), body
        self._answer: SimpleQueue[Callable[[], Reply]] = SimpleQueue()
        self._untaken = threading.Lock()
        threading.Thread(target=self._ask, args=(timeout,), name="talos-resources foreseen", daemon=True).start()

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> Reply:
        """See `Transport`."""
        return self._transport.request(path, headers, body, timeout=timeout)

    def gather(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> Reply:
        """See `Transport`."""
        if (path, tuple(headers), body) == self._question and self._untaken.acquire(blocking=False):
            return self._answer.get()()
        return self._transport.gather(path, headers, body, timeout=timeout)

    def close(self) -> None:
        """See `Transport`."""
        self._transport.close()

    def _ask(self, timeout: float | None) -> None:
        path, headers, body = self._question
        try:
            reply = self._transport.gather(path, headers, body, timeout=timeout)
        except BaseException as error:  # noqa: BLE001  # it is raised where the answer is asked for
            self._answer.put(partial(_raise, error))
        else:
            self._answer.put(lambda: reply)


def _raise(error: BaseException) -> NoReturn:
    raise error
