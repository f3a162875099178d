"""From a request to its method, and from what that raises to a status."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Hashable, Mapping
from typing import Final

from grpclib.exceptions import StreamTerminatedError
from grpclib.protocol import Stream
from h2.exceptions import H2Error

from talos_resources.model.errors import TalosResourcesError
from talos_resources.rpc.framing import Deframer, FrameError
from talos_resources.rpc.server.call import Answering, Call, Method
from talos_resources.rpc.server.connection import ClientConnection
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.roles import check_known
from talos_resources.rpc.status import Code, RpcError, status_of

log: Final = logging.getLogger(__name__)

_TIMEOUT: Final = re.compile(r"(\d{1,8})([HMSmun])\Z")
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class Dispatcher(Answering):
    """Finds the method of each request and turns what it raises into a status."""

    def __init__(self, find: Callable[[str], Method | None], limits: Limits) -> None:
        """Takes what finds a method by its path, `/package.Service/Method`; it gives None where there is none."""
        super().__init__(limits)
        self._find = find

    async def answer(self, call: Call, stream: Stream, headers: dict[str, str], connection: ClientConnection) -> None:
        """Answers one request."""
        refusal = _refusal(headers)
        if refusal is not None:
            await stream.send_headers([(":status", str(refusal)), ("content-length", "0")], end_stream=True)
            return
        try:
            method = self._find(headers[":path"])
            if method is None:
                raise unknown_method(headers[":path"])  # noqa: TRY301
            check_known(call.roles)  # before anything is read of what it sends
            async with asyncio.timeout(_deadline(headers)):
                await method(call, await self._request(stream, headers, connection.client))
        except RpcError as error:
            await call.finish(error.code, error.text)
        except TimeoutError:
            await call.finish(Code.DEADLINE_EXCEEDED, "the deadline of the call has passed")
        except TalosResourcesError as error:
            status = status_of(error)
            await call.finish(status.code, status.text)
        except (H2Error, OSError, StreamTerminatedError):
            raise
        except Exception:
            log.exception("%s failed", headers[":path"])
            await call.finish(Code.INTERNAL, "internal error of the server; its log has more")
        else:
            await call.finish(Code.OK)

    async def _request(self, stream: Stream, headers: Mapping[str, str], client: Hashable) -> bytes:
        """The one message of a request.

        Raises:
            RpcError: it is too large, broken, or does not come.
        """
        deframer = Deframer(limit=self._limits.request_bytes, encoding=headers.get("grpc-encoding", "identity"))
        try:
            async with asyncio.timeout(self._limits.request_s):
                head = await stream.recv_data(5)
                if not head:
                    raise RpcError(Code.INVALID_ARGUMENT, "the request has no message")
                messages = deframer.feed(head)
                return (messages or deframer.feed(await self.read(stream, int.from_bytes(head[1:]), client)))[0]
        except TimeoutError:
            raise RpcError(Code.DEADLINE_EXCEEDED, f"the request did not arrive within {self._limits.request_s:g} s") from None
        except FrameError as error:
            raise RpcError(Code.RESOURCE_EXHAUSTED if error.too_large else Code.INVALID_ARGUMENT, str(error)) from None
        except AssertionError:  # grpclib's word for a stream that ends too early
            raise RpcError(Code.INVALID_ARGUMENT, "the request ends within its message") from None


def unknown_method(path: str) -> RpcError:
    """The status of a call that nothing here answers."""
    return RpcError(Code.UNIMPLEMENTED, f"unknown method {path}")


def _refusal(headers: Mapping[str, str]) -> int | None:
    """The HTTP status for what is no gRPC request at all."""
    if headers.get(":method") != "POST":
        return 405
    if not headers.get("content-type", "").startswith("application/grpc"):
        return 415
    return None if ":path" in headers else 400


def _deadline(headers: Mapping[str, str]) -> float | None:
    """The seconds that the client gives the call.

    Raises:
        RpcError: INVALID_ARGUMENT, the header makes no sense.
    """
    text = headers.get("grpc-timeout")
    if text is None:
        return None
    match = _TIMEOUT.match(text)
    if match is None:
        raise RpcError(Code.INVALID_ARGUMENT, f"grpc-timeout {text!r:.40} is no time")
    return int(match[1]) * _UNITS[match[2]]
