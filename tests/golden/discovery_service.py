"""The recorded calls to the real discovery service, made to ours over a real socket."""

from __future__ import annotations

import base64
import queue
import threading
from collections.abc import Iterable
from typing import Any, Final

import attrs

from talos_resources.discovery import messages
from talos_resources.discovery.messages import LIST, UPDATE, WATCH, ClusterRequest, SealedAffiliate, UpdateRequest, WatchResponse
from talos_resources.discovery.server.server import LOOPBACK, DiscoveryServer
from talos_resources.discovery.wire import decode, encode
from talos_resources.model.errors import ConnectError
from talos_resources.rpc.client.call import Channel, Messages
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.contract import Transport, TransportError
from talos_resources.rpc.transport.http2 import Http2Transport

Case = dict[str, Any]
Answer = tuple[int, str, bytes | None]
"""Code, text, message."""

LONG_S: Final = 60.0
LATE: Final[Answer] = (Code.DEADLINE_EXCEEDED.value, "context deadline exceeded", None)
FENCE: Final = "fence"


class Clock:
    """The server's time, which the test sets, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds


def call(transport: Transport, method: str, request: bytes, metadata: dict[str, str], *, timeout: float = LONG_S) -> Answer:
    """One call, a watch ends after its first message.

    Values of headers go without spaces around them: HTTP/2 knows none (RFC 9113, 8.2.1), h2 refuses them, Go lets them pass.
    """
    channel = Channel((transport,), metadata=tuple((name, value.strip()) for name, value in metadata.items()), timeout=timeout)
    try:
        if method != WATCH:
            return 0, "", channel.unary(method, request)
        stream = channel.stream(method, request)
        try:
            return 0, "", next(iter(stream))[0]
        finally:
            stream.close()
    except RpcError as error:
        return error.code.value, error.text, None
    except ConnectError as error:
        if timeout < LONG_S and "timed out" in error.message:
            return LATE
        raise


class Watching:
    """An open watch; its messages are read in a thread."""

    def __init__(self, transport: Transport, cluster_id: str) -> None:
        self.cluster_id = cluster_id
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stream: Messages = Channel((transport,)).stream(WATCH, encode(ClusterRequest(cluster_id=cluster_id)))
        threading.Thread(target=self._read, daemon=True).start()

    def take(self) -> WatchResponse:
        message = self._messages.get(timeout=LONG_S)
        assert message is not None, "the watch has ended"
        return decode(WatchResponse, message)

    def close(self) -> None:
        self._stream.close()

    def _read(self) -> None:
        try:
            for batch in self._stream:
                for message in batch:
                    self._messages.put(message)
        except (RpcError, TransportError, ConnectError):
            pass
        self._messages.put(None)


def in_order(affiliates: Iterable[SealedAffiliate]) -> tuple[SealedAffiliate, ...]:
    return tuple(sorted(affiliates, key=lambda affiliate: affiliate.id))


def _sorted_by_id(cls: type[Any], data: bytes) -> Any:
    message = decode(cls, data)
    return attrs.evolve(message, affiliates=in_order(message.affiliates))


class Script:
    """One script on a server of its own."""

    def __init__(self, script: Case) -> None:
        flags = script["server_flags"]
        self._interval = _ms(flags[flags.index("-gc-interval") + 1]) if "-gc-interval" in flags else 60_000
        redirect = flags[flags.index("-redirect-endpoint") + 1] if "-redirect-endpoint" in flags else ""
        trusted = LOOPBACK if "-trust-x-real-ip=false" not in flags else ()
        self._clock = Clock()
        self._passed = 0
        self._steps = script["steps"]
        self._server = DiscoveryServer(gc_interval_s=86400, redirect=redirect, proxies=trusted, now=self._clock.now)
        self._transport = Http2Transport(self._server.address)
        self._watches: dict[str, Watching] = {}

    def run(self) -> str:
        """The first difference; empty if there is none."""
        try:
            for number, step in enumerate(self._steps):
                if found := self._step(step):
                    return f"step {number}, {step.get('name', step['op'])}: {found}"
            return self._silence()
        finally:
            for watch in self._watches.values():
                watch.close()
            self._transport.close()
            self._server.close()

    def _step(self, step: Case) -> str:
        if step["op"] == "cancel":
            self._watches.pop(step["watch"]).close()
            return ""
        if step["op"] == "wait":
            self._wait(step["ms"])
            return self._told(step, any_order=True)
        if step["op"] == "watch":
            request = decode(ClusterRequest, base64.b64decode(step["request"]))
            self._watches[step["watch"]] = Watching(self._transport, request.cluster_id)
            return self._told(step)
        code, text, data = call(self._transport, step["method"], base64.b64decode(step["request"]), step["metadata"])
        if step["method"] == UPDATE and empty_endpoint(base64.b64decode(step["request"])):
            return "" if (code, text) == (3, "affiliate endpoint is empty") else f"an empty endpoint is answered with {code} {text}"
        if (code, text) != (step["status"]["code"], step["status"]["message"]):
            return f"recorded {step['status']}, ours {code} {text}"
        return same_answer(step["method"], step["response"], data) or self._told(step)

    def _wait(self, ms: int) -> None:
        """Lets time pass, with the collections that come in it."""
        end = self._passed + ms
        while (due := (self._passed // self._interval + 1) * self._interval) <= end:
            self._clock.seconds += (due - self._passed) / 1000
            self._passed = due
            self._server.collect()
        self._clock.seconds += (end - self._passed) / 1000
        self._passed = end

    def _told(self, step: Case, *, any_order: bool = False) -> str:
        """What the open watches got; with a false deletion in the recording ours tells what is left."""
        for name, recorded in step["notifications"].items():
            wanted = [_sorted_by_id(WatchResponse, base64.b64decode(one["data"])) for one in recorded]
            got = [self._watches[name].take() for _ in wanted]
            got = [attrs.evolve(one, affiliates=in_order(one.affiliates)) for one in got]
            if any_order:
                wanted, got = sorted(wanted, key=_ids), sorted(got, key=_ids)
            for old, new in zip(wanted, got, strict=True):
                remains = old.deleted and not new.deleted and any_order and _ids(old) == _ids(new) and self._still_there(name, new)
                if old != new and not remains:
                    return f"{name}: recorded {old!r:.300}, ours {new!r:.300}"
        return ""

    def _still_there(self, name: str, message: WatchResponse) -> bool:
        request = encode(ClusterRequest(cluster_id=self._watches[name].cluster_id))
        _, _, data = call(self._transport, LIST, request, {"x-real-ip": "192.0.2.99"})
        return data is not None and message.affiliates[0] in decode(messages.ListResponse, data).affiliates

    def _silence(self) -> str:
        """Nothing more was sent than what was recorded: what comes next is what is made to come."""
        for name, watch in self._watches.items():
            request = UpdateRequest(cluster_id=watch.cluster_id, affiliate_id=f"{FENCE} {name}", affiliate_data=b"x")
            call(self._transport, UPDATE, encode(request), {"x-real-ip": "192.0.2.99"})
        for name, watch in self._watches.items():
            while True:
                found = watch.take().affiliates
                if [one.id for one in found] == [f"{FENCE} {name}"]:
                    break
                if not all(one.id.startswith(FENCE) for one in found):
                    return f"{name}: not recorded, ours {found!r:.300}"
        return ""


def _ids(message: WatchResponse) -> list[str]:
    return [affiliate.id for affiliate in message.affiliates]


def _ms(text: str) -> int:
    return int(text[:-2]) if text.endswith("ms") else int(text[:-1]) * 1000


def empty_endpoint(request: bytes) -> bool:
    """Whether an update has an endpoint that ours refuses and the real service takes."""
    return not all(decode(UpdateRequest, request).affiliate_endpoints)


def same_answer(method: str, recorded: str | None, ours: bytes | None) -> str:
    """The difference between two messages, affiliates in any order."""
    if recorded is None or ours is None:
        return "" if recorded is None and ours is None else f"recorded {recorded!r:.200}, ours {ours!r:.200}"
    cls = messages.RESPONSES[method]
    data = base64.b64decode(recorded)
    if method in (LIST, WATCH):
        old, new = _sorted_by_id(cls, data), _sorted_by_id(cls, ours)
        return "" if old == new else f"recorded {old!r:.300}, ours {new!r:.300}"
    return "" if data == ours else f"recorded {data!r:.200}, ours {ours!r:.200}"
