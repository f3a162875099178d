"""One subscription of etcd as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.client import parsed
from talos_resources.backends.etcd.layout import bookmark
from talos_resources.backends.etcd.values import Values
from talos_resources.model.errors import ConnectError, InvalidBookmarkError
from talos_resources.model.query import Matcher
from talos_resources.rpc.client.call import Messages
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.events import AnyEvent, Created, Destroyed, Noop, Updated
from talos_resources.state.select import select


class WatchStream:
    """One subscription as long as it lasts; see `talos_resources.rpc.client.event_stream.EventStream`."""

    def __init__(
        self,
        index: int,
        head: list[AnyEvent],
        *,
        after: int,
        values: Values,
        matches: Matcher | None,
        on_close: Callable[[WatchStream], None],
    ) -> None:
        """Prepares.

        Args:
            index: of the member.
            head: what is told first.
            after: the revision that the head shows.
            values: decodes.
            matches: the query; None for everything.
            on_close: told of the end.
        """
        self.index = index
        self._after = after
        self._head = head
        self._values = values
        self._matches = matches
        self._on_close = on_close
        self._messages: Messages | None = None
        self._batches: Iterator[list[bytes]] = iter(())
        self._waiting: list[bytes] = []
        self._parts: list[pb.Event] = []
        self._told_at: float | None = None
        self.size = 0

    def begin(self, subscribed: tuple[Messages, Iterator[list[bytes]], list[bytes]]) -> None:
        """Takes over the messages; the first says that the watch is made.

        Raises:
            InvalidBookmarkError: etcd does not have the revision any more.
            ConnectError: etcd ended the watch.
        """
        self._messages, self._batches, first = subscribed
        if not first:
            self.close()
            raise ConnectError("etcd ended the watch at once")
        answer = parsed(first[0], pb.WatchResponse)
        self._waiting = first[1:]
        if answer.canceled:
            self.close()
            raise _ended(answer)

    @property
    def unread_s(self) -> float:
        """For how many seconds the consumer has not asked for more."""
        told = self._told_at
        return 0.0 if told is None else time.monotonic() - told

    def read(self) -> list[AnyEvent] | None:
        """The next events, None at the end.

        Raises:
            InvalidBookmarkError: etcd has compacted what comes next.
            ConnectError: the stream broke.
            DecodeError: a value is no resource.
        """
        self._told_at = None
        events = self._next()
        self._told_at = time.monotonic()
        return events

    def close(self) -> None:
        """Ends it; any thread may."""
        self._on_close(self)
        if self._messages is not None:
            self._messages.close()

    def _next(self) -> list[AnyEvent] | None:
        if self._head:
            head, self._head = self._head, []
            return head
        try:
            batch: list[bytes] | None = self._waiting or next(self._batches, None)
            self._waiting = []
        except TransportError as error:
            raise ConnectError(f"the watch broke: {error.reason}") from None
        except RpcError as error:
            raise ConnectError(f"etcd ended the watch: {error.text}") from None
        if batch is None:
            return None
        self.size = sum(map(len, batch))
        told: list[AnyEvent] = []
        for message in batch:
            told += self._events(parsed(message, pb.WatchResponse))
        return told

    def _events(self, answer: pb.WatchResponse) -> Sequence[AnyEvent]:
        if answer.canceled:
            raise _ended(answer)
        self._parts += [change for change in answer.events if change.kv.mod_revision > self._after]
        if answer.fragment:
            return ()
        changes, self._parts = self._parts, []
        if not changes:
            # An answer without events says how far the watch has come.
            return () if answer.events or answer.created else (Noop(bookmark(answer.header.revision)),)
        last = len(changes) - 1
        told: list[AnyEvent] = []
        for position, change in enumerate(changes):
            # Who goes on after an event in the middle of a transaction gets the whole transaction again.
            revision = change.kv.mod_revision
            whole = position == last or changes[position + 1].kv.mod_revision != revision
            event = self._event(change, bookmark(revision if whole else revision - 1))
            if self._matches is None:
                told.append(event)
            elif (mine := select(event, self._matches)) is not None:
                told.append(mine)
        return told

    def _event(self, change: pb.Event, mark: bytes) -> AnyEvent:
        kv = change.kv
        deleted = change.type == pb.Event.DELETE
        if not deleted and kv.version == 1:
            return Created(self._values.decode(kv), mark)
        if not change.HasField("prev_kv"):
            # What was there is compacted; a deletion does not even say of what.
            raise InvalidBookmarkError("etcd has compacted what the resource was before")
        old = self._values.decode(change.prev_kv)
        if deleted:
            self._values.forget(kv.key)
            return Destroyed(old.metadata.reference, old, mark)
        return Updated(self._values.decode(kv), old, mark)


def _ended(answer: pb.WatchResponse) -> InvalidBookmarkError | ConnectError:
    if answer.compact_revision:
        return InvalidBookmarkError(f"etcd has compacted the revisions before {answer.compact_revision}")
    return ConnectError(f"etcd ended the watch: {answer.cancel_reason or 'it does not say why'}")
