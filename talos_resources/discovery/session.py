"""One connection of the client to the service: hello, watch, updates."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from talos_resources.discovery.messages import (
    HELLO,
    REQUESTS,
    RESPONSES,
    WATCH,
    ClusterRequest,
    HelloRequest,
    HelloResponse,
    WatchResponse,
)
from talos_resources.discovery.wire import MessageError, decode, encode
from talos_resources.model.errors import ConnectError
from talos_resources.rpc.client.call import Channel, Messages
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.contract import Transport, TransportError

_LOG: Final = logging.getLogger("talos_resources.discovery")

HELLO_S: Final = 10.0
REFRESH_S: Final = 30.0
"""For all calls of one refresh together."""

_OUR_FAULT: Final = frozenset({Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED})

Received = Callable[["Session", WatchResponse, bool], None]
"""Gets each message of the watch, and whether it is the first."""


Connect = Callable[[str], Transport]
"""The way to an endpoint, `HOST:PORT`; nothing is connected yet."""


class ServiceError(Exception):
    """The service cannot be used: not reached, or it says no.

    Attributes:
        refused: it understood the call and does not want it; the connection is good.
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Session:
    """A connection, made when it is first used, and never another one: who answers on that may know nothing of what was said.

    Attributes:
        endpoint: of the service, `HOST:PORT`.
        watching: the first message of the watch has come.
        ended: why the watch ended; None while it does not.
    """

    def __init__(self, endpoint: str, connect: Connect) -> None:
        """Raises ConfigError for certificates that cannot be used."""
        self.endpoint = endpoint
        self.watching = False
        self.ended: str | None = None
        self._transport = connect(endpoint)
        self._messages: Messages | None = None
        self._closed = threading.Event()

    def hello(self, cluster_id: str, version: str) -> HelloResponse:
        """Opens the conversation.

        Raises:
            ServiceError: it cannot be opened.
        """
        answer: HelloResponse = self.call(HELLO, HelloRequest(cluster_id=cluster_id, client_version=version), timeout=HELLO_S)
        return answer

    def call(self, method: str, request: Any, *, timeout: float) -> Any:
        """One call.

        Args:
            method: a path of `REQUESTS`.
            request: a message of the class that belongs to it.
            timeout: in seconds.

        Raises:
            ServiceError: it failed.
        """
        assert isinstance(request, REQUESTS[method])
        channel = Channel((self._transport,), timeout=timeout)
        name = method.rpartition("/")[2]
        try:
            # Saying the same thing twice changes nothing, whatever it is.
            return decode(RESPONSES[method], channel.unary(method, encode(request), repeatable=True))
        except RpcError as error:
            raise ServiceError(f"{name}: {error}", refused=error.code in _OUR_FAULT) from None
        except ConnectError as error:
            raise ServiceError(f"{name}: {error.message}") from None
        except MessageError as error:
            raise ServiceError(f"{name}: the answer cannot be read: {error}") from None

    def watch(self, cluster_id: str, received: Received, ended: Callable[[Session], None]) -> None:
        """Reads what changes in a thread.

        Args:
            cluster_id: of whose nodes.
            received: gets each message.
            ended: called when there are no more, `ended` says why.
        """
        arguments = (encode(ClusterRequest(cluster_id=cluster_id)), received, ended)
        threading.Thread(target=self._watch, args=arguments, name="discovery watch", daemon=True).start()

    def close(self) -> None:
        """Gives all up; any thread may, twice is no error."""
        self._closed.set()
        if self._messages is not None:
            self._messages.close()
        self._transport.close()

    def _watch(self, request: bytes, received: Received, ended: Callable[[Session], None]) -> None:
        try:
            self._messages = messages = Channel((self._transport,)).stream(WATCH, request)
            self._read(messages, received)
            reason = "the service ended it"
        except (RpcError, TransportError, MessageError) as error:
            reason = str(error)
        except ConnectError as error:
            reason = error.message
        except Exception:  # noqa: BLE001  # the client must hear that the watch is over
            _LOG.exception("what the discovery service sent could not be taken in")
            reason = "it could not be taken in"
        self.ended = reason
        ended(self)

    def _read(self, messages: Messages, received: Received) -> None:
        snapshot = True
        for batch in messages:
            for message in self._unless_closed(batch):
                received(self, decode(WatchResponse, message), snapshot)
                snapshot, self.watching = False, True

    def _unless_closed(self, batch: Iterable[bytes]) -> Iterable[bytes]:
        for message in batch:
            if self._closed.is_set():
                return
            yield message
