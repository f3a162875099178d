"""Requests as the real service reads them: what is a call, what is a page, and the words of its refusals.

Source: discovery service v1.1.0 (grpc-go); golden/discovery/validation.json, http.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final

import attrs
from grpclib.exceptions import StreamTerminatedError
from grpclib.protocol import Stream
from h2.exceptions import H2Error

from talos_resources.discovery.messages import REQUESTS, SERVICE, WATCH
from talos_resources.discovery.wire import MessageError, decode
from talos_resources.model.net import IPAddress
from talos_resources.rpc.server.call import Answering, Call
from talos_resources.rpc.server.connection import ClientConnection
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.status import Code, RpcError

log: Final = logging.getLogger("talos_resources.discovery")
_GRPC: Final = "application/grpc"
_TEXT: Final = "text/plain; charset=utf-8"
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LONGEST_WORD: Final = 80


@attrs.frozen
class Caller:
    """Who calls: the address that counts, how many seconds the call has (None for no end), and whose bytes it sends."""

    address: IPAddress | None
    deadline: float | None
    client: Hashable


Method = Callable[[Call, Caller, Any], Awaitable[None]]
"""Answers a request of the class that `REQUESTS` has for it."""


class Calls(Answering):
    """Finds the method of each request; serves the page for people who open the address in a browser."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        limits: Limits,
        *,
        address_of: Callable[[Mapping[str, str], str], IPAddress | None],
        stats: Callable[[], Mapping[str, int]],
    ) -> None:
        """Takes the methods by path, how to know a client by its headers and its peer, and the figures for `/stats`."""
        super().__init__(limits)
        self._methods = methods
        self._address_of = address_of
        self._stats = stats

    def head(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The client's own content type comes back."""
        return (("content-type", headers.get("content-type", _GRPC)),)

    async def say_goodbye(self, call: Call, headers: Mapping[str, str]) -> None:
        """A watch ends well: its client looks for the next server at once."""
        if headers.get(":path") == WATCH:
            await call.finish(Code.OK)
        else:
            await super().say_goodbye(call, headers)

    async def answer(self, call: Call, stream: Stream, headers: dict[str, str], connection: ClientConnection) -> None:
        """See `Answering`."""
        content_type = headers.get("content-type", "")
        if not content_type.startswith(_GRPC):
            await self._page(stream, headers)
            return
        if headers.get(":method") != "POST":
            await _plain(stream, 405, _TEXT, "gRPC requires HTTP method POST\n")
            return
        if content_type[len(_GRPC) :][:1] not in ("", "+", ";"):
            await _plain(stream, 415, _TEXT, f"invalid gRPC request content-type {_quoted(content_type)}\n")
            return
        try:
            deadline = _deadline(headers.get("grpc-timeout"))
        except ValueError as error:
            await _plain(stream, 400, _TEXT, f"malformed grpc-timeout: {error}\n")
            return
        await self._call(call, stream, headers, Caller(self._address_of(headers, connection.peer), deadline, connection.client))

    async def _call(self, call: Call, stream: Stream, headers: dict[str, str], caller: Caller) -> None:
        path = headers.get(":path", "")
        try:
            method = self._methods.get(path)
            if method is None:
                raise RpcError(Code.UNIMPLEMENTED, _unknown(path))  # noqa: TRY301
            async with asyncio.timeout(caller.deadline):
                await method(call, caller, _parsed(path, await self._read(stream, headers, caller.client)))
        except RpcError as error:
            await call.finish(error.code, error.text)
        except TimeoutError:
            await call.finish(Code.DEADLINE_EXCEEDED, "context deadline exceeded")
        except (H2Error, OSError, StreamTerminatedError):
            raise
        except Exception:
            log.exception("%s failed", path)
            await call.finish(Code.INTERNAL, "internal error of the server; its log has more")
        else:
            await call.finish(Code.OK)

    async def _read(self, stream: Stream, headers: Mapping[str, str], client: Hashable) -> bytes:
        """The message of a request.

        Raises:
            RpcError: it is too large, compressed, broken, or does not come.
        """
        encoding = headers.get("grpc-encoding", "identity")
        if encoding not in ("", "identity"):
            raise RpcError(Code.UNIMPLEMENTED, f"grpc: Decompressor is not installed for grpc-encoding {_quoted(encoding)}")
        try:
            async with asyncio.timeout(self._limits.request_s):
                head = await stream.recv_data(5)
                if not head:
                    raise RpcError(Code.UNKNOWN, "EOF")
                size = _size(head, self._limits.request_bytes)
                return await self.read(stream, size, client)
        except AssertionError:  # grpclib's word for a stream that ends too early
            raise RpcError(Code.UNKNOWN, "unexpected EOF") from None
        except TimeoutError:
            raise RpcError(Code.DEADLINE_EXCEEDED, f"the request did not arrive within {self._limits.request_s:g} s") from None

    async def _page(self, stream: Stream, headers: Mapping[str, str]) -> None:
        path = headers.get(":path", "").partition("?")[0]
        if headers.get(":method") == "GET" and path == "/":
            await _plain(stream, 200, "text/html; charset=utf-8", _PAGE)
        elif headers.get(":method") == "GET" and path == "/stats":
            await _plain(stream, 200, "application/json", json.dumps(self._stats()) + "\n")
        else:
            await _plain(stream, 404, _TEXT, "404 page not found\n")


_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Discovery service</title>
<h1>Discovery service</h1>
<p>Talos nodes find each other through this address. What they say is sealed with a secret that this
service does not have.</p>
</html>
"""


async def _plain(stream: Stream, status: int, content_type: str, body: str) -> None:
    data = body.encode()
    head = [(":status", str(status)), ("content-type", content_type), ("content-length", str(len(data)))]
    await stream.send_headers([*head, ("x-content-type-options", "nosniff")])
    await stream.send_data(data, end_stream=True)


def _size(head: bytes, limit: int) -> int:
    """The size of a message.

    Raises:
        RpcError: it is not one that is read.
    """
    if head[0] == 1:
        raise RpcError(Code.INTERNAL, "grpc: compressed flag set with identity or empty encoding")
    if head[0] != 0:
        raise RpcError(Code.INTERNAL, f"grpc: received unexpected payload format {head[0]}")
    size = int.from_bytes(head[1:])
    if size > limit:
        raise RpcError(Code.RESOURCE_EXHAUSTED, f"grpc: received message larger than max ({size} vs. {limit})")
    return size


def _parsed(path: str, data: bytes) -> Any:
    try:
        return decode(REQUESTS[path], data)
    except MessageError as error:
        what = "grpc: failed to unmarshal the received message" if path == WATCH else "grpc: error unmarshalling request"
        raise RpcError(Code.INTERNAL, f"{what}: {error}") from None


def _unknown(path: str) -> str:
    service, slash, method = path.removeprefix("/").rpartition("/")
    if not slash:
        return f"malformed method name: {_quoted(path)}"
    service, method = service[:_LONGEST_WORD], method[:_LONGEST_WORD]
    return f"unknown method {method} for service {service}" if service == SERVICE else f"unknown service {service}"


def _deadline(text: str | None) -> float | None:
    """The seconds that the client gives the call.

    Raises:
        ValueError: the header makes no sense; in grpc-go's words.
    """
    if text is None:
        return None
    if not 2 <= len(text) <= 9:
        raise ValueError(f"transport: timeout string is too {'short' if len(text) < 2 else 'long'}: {_quoted(text)}")
    number, unit = text[:-1], text[-1]
    if unit not in _UNITS:
        raise ValueError(f"transport: timeout unit is not recognized: {_quoted(text)}")
    if re.fullmatch("[0-9]+", number) is None:
        raise ValueError(f"strconv.ParseUint: parsing {_quoted(number)}: invalid syntax")
    return int(number) * _UNITS[unit]


def _quoted(text: str) -> str:
    return json.dumps(text[:_LONGEST_WORD])
