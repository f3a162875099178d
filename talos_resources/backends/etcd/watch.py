"""Watches of etcd as streams of events, and what ends those that would be silent.

etcd sends a watch over one HTTP/2 stream. It ends when the member dies, loses its leader or has compacted
what the watch still needs; `talos_resources.rpc.client.watch` then goes on with the next stream. What etcd does
not tell of is watched for here: a member that hangs while its connection stays open, and a consumer that
does not read, which must not hold up the other streams of the connection.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.client import RANGE, WATCH, EtcdClient, unreachable
from talos_resources.backends.etcd.layout import Layout, bookmark, range_end, revision_of
from talos_resources.backends.etcd.reading import read_folder
from talos_resources.backends.etcd.values import Values
from talos_resources.backends.etcd.watch_stream import WatchStream
from talos_resources.model.errors import ConnectError
from talos_resources.model.metadata import Reference
from talos_resources.model.query import Matcher, matcher
from talos_resources.rpc.client.call import Channel, Messages
from talos_resources.rpc.client.continuity import Start
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop
from talos_resources.state.watch_spec import WatchSpec

PROBE_INTERVAL_S: Final = 3.0
"""How often members with watches are asked whether they are alive, and consumers whether they read."""

PROBE_TIMEOUT_S: Final = 5.0
UNREAD_S: Final = 10.0
"""A stream that nobody reads for so long is closed; the watch goes on from its bookmark when somebody does."""

_OPEN_TIMEOUT_S: Final = 10.0


class Watcher:
    """Opens the streams of a state's watches and looks after them."""

    def __init__(self, client: EtcdClient, layout: Layout, values: Values) -> None:
        self._client = client
        self._layout = layout
        self._values = values
        self._transports: dict[int, Http2Transport] = {}
        self._streams: set[WatchStream] = set()
        self._lock = threading.Lock()
        self._guarded = False
        self._closed = False

    def open(self, spec: WatchSpec, start: Start) -> WatchStream:
        """Subscribes; see `talos_resources.rpc.client.event_stream.OpenStream`.

        Raises:
            InvalidBookmarkError: the bookmark is of the future or compacted.
            ConnectError: no member answers.
            TalosResourcesError: etcd says no.
        """
        failures: dict[str, str] = {}
        for index in self._client.members:
            try:
                stream = self._open_at(index, spec, start)
            except TransportError as error:
                failures[self._client.endpoint(index)] = error.reason
            except RpcError as error:
                failures[self._client.endpoint(index)] = error.text
            except ConnectError as error:
                failures[self._client.endpoint(index)] = error.message
            else:
                self._client.preferred = index
                return stream
        raise unreachable(failures)

    def close(self) -> None:
        """Ends all streams; there are no more."""
        with self._lock:
            self._closed = True
            streams, self._streams = self._streams, set()
            transports, self._transports = self._transports, {}
        for stream in streams:
            stream.close()
        for transport in transports.values():
            transport.close()

    def forget(self, stream: WatchStream) -> None:
        """A stream has ended."""
        with self._lock:
            self._streams.discard(stream)

    def _open_at(self, index: int, spec: WatchSpec, start: Start) -> WatchStream:
        matches = matcher(spec.labels, spec.ids)
        if spec.id is None:
            key = self._layout.folder(spec.namespace, spec.type)
            end = range_end(key)
        else:
            key, end = self._layout.key(spec.namespace, spec.type, spec.id), b""
        head, revision = self._head(index, spec, start, key, matches)
        # Not from the next revision: if that is just being compacted, etcd forgets a deletion and says nothing.
        request = pb.WatchCreateRequest(key=key, range_end=end, start_revision=revision, progress_notify=True, prev_kv=True, fragment=True)
        stream = WatchStream(index, head, after=revision, values=self._values, matches=matches, on_close=self.forget)
        stream.begin(self._subscribed(index, pb.WatchRequest(create_request=request).SerializeToString()))
        with self._lock:
            self._streams.add(stream)
            if not self._guarded:
                self._guarded = True
                threading.Thread(target=self._guard, name="talos-resources etcd watches", daemon=True).start()
        return stream

    def _head(self, index: int, spec: WatchSpec, start: Start, key: bytes, matches: Matcher | None) -> tuple[list[AnyEvent], int]:
        """What a stream tells first, and the revision that it shows."""

        def read(request: pb.RangeRequest) -> pb.RangeResponse:
            return self._client.ask(index, RANGE, request.SerializeToString(), pb.RangeResponse, spec.type)

        mark = start["start_from_bookmark"]
        if mark is not None:
            revision = revision_of(mark)
            # Refused if it is compacted or in the future, of which a watch would say nothing.
            now = read(pb.RangeRequest(key=key, count_only=True, revision=revision)).header.revision
            return ([Noop(bookmark(now))] if start["bootstrap_bookmark"] else []), revision
        if spec.id is not None:
            found = read(pb.RangeRequest(key=key))
            if found.kvs:
                return [Created(self._values.decode(found.kvs[0]))], found.header.revision
            return [Destroyed(Reference(spec.namespace, spec.type, spec.id), None)], found.header.revision
        head: list[AnyEvent] = []
        if start["bootstrap"]:
            kvs, revision = read_folder(read, key)
            contents = sorted(map(self._values.decode, kvs), key=_by_id)
            head += [Created(resource) for resource in contents if matches is None or matches(resource.metadata)]
            head.append(Bootstrapped(bookmark(revision)))
        else:
            revision = read(pb.RangeRequest(key=key, count_only=True)).header.revision
        return ([Noop(bookmark(revision)), *head] if start["bootstrap_bookmark"] else head), revision

    def _subscribed(self, index: int, request: bytes) -> tuple[Messages, Iterator[list[bytes]], list[bytes]]:
        """A stream that etcd has confirmed: its messages, the iterator over them, and those that came along.

        Raises:
            ConnectError: it was not confirmed.
        """
        outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()
        abandoned = threading.Event()
        channel = Channel([self._transport(index)], self._client.metadata())

        def work() -> None:
            try:
                messages = channel.stream(WATCH, request)
                batches = iter(messages)
                first = next(batches, [])
                outcome.put((messages, batches, first))
                if abandoned.is_set():
                    messages.close()
            except Exception as error:  # noqa: BLE001 - raised again by who waits for it
                outcome.put(error)

        # A member that hangs would keep this thread for ever.
        threading.Thread(target=work, name="talos-resources etcd watch", daemon=True).start()
        try:
            made = outcome.get(timeout=_OPEN_TIMEOUT_S)
        except queue.Empty:
            abandoned.set()
            with contextlib.suppress(queue.Empty):  # it may have come at the last moment
                _let_go(outcome.get_nowait())
            raise ConnectError("the watch was not confirmed in time") from None
        if isinstance(made, Exception):
            raise made
        subscribed: tuple[Messages, Iterator[list[bytes]], list[bytes]] = made
        return subscribed

    def _transport(self, index: int) -> Http2Transport:
        with self._lock:
            if self._closed:
                raise TransportError("closed by this side", refused=True)
            found = self._transports.get(index)
            if found is None:
                found = self._transports[index] = self._client.transport(index)
            return found

    def _guard(self) -> None:
        """The thread that closes streams of members that hang and of consumers that do not read."""
        while True:
            time.sleep(PROBE_INTERVAL_S)
            with self._lock:
                streams = tuple(self._streams)
                if not streams:
                    self._guarded = False
                    return
            dead = {index for index in {stream.index for stream in streams} if not self._is_alive(index)}
            if self._client.preferred in dead:
                # The streams that begin again shall not ask it first.
                self._client.preferred = (self._client.preferred + 1) % len(self._client.members)
            for stream in streams:
                if stream.index in dead or stream.unread_s > UNREAD_S:
                    stream.close()

    def _is_alive(self, index: int) -> bool:
        request = pb.RangeRequest(key=b"\0", serializable=True, count_only=True).SerializeToString()
        try:
            self._client.ask(index, RANGE, request, pb.RangeResponse, "", timeout=PROBE_TIMEOUT_S)
        except TransportError:
            return False
        except Exception:  # noqa: BLE001  # it answers, whatever it says
            return True
        return True


def _let_go(made: tuple[Messages, Iterator[list[bytes]], list[bytes]] | Exception) -> None:
    """Closes a stream that came too late."""
    if not isinstance(made, Exception):
        made[0].close()


def _by_id(resource: Any) -> str:
    # Code point order is byte order.
    name: str = resource.metadata.id
    return name
