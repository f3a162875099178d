"""The last events of one kind, shared by all its watchers.

A position counts the events of a kind from 0; a bookmark is the position of an event behind eight
random bytes that name the store. Source: COSI runtime v1.16.2, in-memory state.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from talos_resources.model.errors import InvalidBookmarkError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent, Created, Updated

_POSITIONS: Final = 2**64
COOKIE_BYTES: Final = 8

Note = Resource[Any] | tuple[Resource[Any], Resource[Any]] | AnyEvent
"""What a write leaves when nobody follows; see `EventRing`."""


class EventRing:
    """A bounded log with one writer at a time and any number of readers.

    Whoever appends holds `lock`; readers do without it as long as they are not about to be overrun.
    The memory of `capacity` events is taken as they come.

    As long as nobody follows the kind, writers do not make events: they leave a note (the created
    resource, the new and the old one, or a Destroyed) and count `end` on. Events are made of the notes
    when somebody asks for the past.

    Attributes:
        lock: the lock of the kind's collection.
        end: the position that the next event gets.
        followed: somebody follows or has followed, so that events are to be appended.
        notes: the last writes as long as nobody follows.
        closed: no event will come any more.
    """

    __slots__ = (
        "_capacity",
        "_cookie",
        "_events",
        "_gap",
        "_name",
        "_notes_end",
        "_sleepers",
        "closed",
        "end",
        "followed",
        "lock",
        "notes",
    )

    def __init__(self, name: str, *, capacity: int, gap: int, cookie: bytes) -> None:
        self.lock = threading.Lock()
        self.end = 0
        self.followed = False
        self.notes: deque[Note] = deque(maxlen=capacity)
        self.closed = False
        self._name = name
        self._capacity = capacity
        self._gap = gap
        self._cookie = cookie
        self._events: list[Any] = []
        self._notes_end = 0
        self._sleepers: dict[object, Callable[[], None]] = {}

    def next_bookmark(self) -> bytes:
        """The bookmark of the event that is appended next; call it with the lock held."""
        return self._cookie + self.end.to_bytes(8, "big")

    def append(self, event: AnyEvent) -> Collection[Callable[[], None]]:
        """Adds an event; call it with the lock held, and what it returns once the lock is released."""
        end = self.end
        if end < self._capacity:
            self._events.append(event)
        else:
            self._events[end % self._capacity] = event
        # Readers without the lock take what lies before `end`, so the event must be there first.
        self.end = end + 1
        return self._wake() if self._sleepers else ()

    def settle(self) -> None:
        """Drops an event whose appending was interrupted; call it with the lock held."""
        if self.end < self._capacity:
            del self._events[self.end :]

    def follow(self, position: int) -> int:
        """Makes sure that there are events from a position on, and returns it; call it with the lock held."""
        if not self.followed:
            self.followed = True
            self._notes_end = self.end
            if self.end > self._capacity:
                self.notes.rotate(self.end % self._capacity)  # each to its slot
            self._events = list(self.notes)
            self.notes.clear()
        for noted in range(max(position, self.end - self._capacity), self._notes_end):
            slot = noted % self._capacity
            entry = self._events[slot]
            if isinstance(entry, Resource):
                self._events[slot] = Created(entry, self.bookmark(noted))
            elif isinstance(entry, tuple):
                self._events[slot] = Updated(entry[0], entry[1], self.bookmark(noted))
        self._notes_end = min(self._notes_end, position)
        return position

    def read(self, position: int, limit: int) -> Sequence[AnyEvent]:
        """Up to `limit` events from `position` on; none if there are no later ones.

        Raises:
            WatchOverrunError: events from `position` on have been overwritten (its bookmark is for the caller to set).
        """
        if self.end == position:
            return ()
        events = self._slice(position, limit)
        # Slots are reused in order, so what was taken is whole if its first slot is still the reader's,
        # and not just being overwritten.
        if self.end - position < self._capacity:
            return events
        with self.lock:
            if self.end - position > self._capacity:
                raise WatchOverrunError(
                    f"buffer overrun: {self._name}, write pos {self.end}, pos {position}, capacity {self._capacity}: "
                    "the watcher was slower than the writers; list again, or give the state a larger capacity",
                    bookmark=None,
                )
            return self._slice(position, limit)

    def _slice(self, position: int, limit: int) -> Sequence[AnyEvent]:
        capacity, events = self._capacity, self._events
        first = position % capacity
        count = min(self.end - position, limit, capacity)
        taken = events[first : first + count]
        if first + count > capacity:
            taken += events[: first + count - capacity]
        return taken

    def bookmark(self, position: int) -> bytes:
        """The bookmark of the event at `position`; -1 is the beginning."""
        return self._cookie + (position % _POSITIONS).to_bytes(8, "big")

    def after(self, bookmark: bytes) -> int:
        """The position after the event of a bookmark; call it with the lock held.

        Raises:
            InvalidBookmarkError: it is of another store, too old, in the future or no bookmark at all.
        """
        if len(bookmark) != COOKIE_BYTES + 8:
            raise InvalidBookmarkError(f"it has {len(bookmark)} bytes, not {COOKIE_BYTES + 8}")
        if not bookmark.startswith(self._cookie):
            raise InvalidBookmarkError("it is of another store or of a former run")
        position = int.from_bytes(bookmark[COOKIE_BYTES:], "big", signed=True)
        if position < -1 or position >= self.end:
            raise InvalidBookmarkError(f"its position {position} is in the future, the last event is {self.end - 1}")
        if position < self.end - self._capacity + self._gap:
            raise InvalidBookmarkError(f"its position {position} is too old, the last event is {self.end - 1}")
        return position + 1

    def tail(self, count: int, wanted: Callable[[AnyEvent], bool] | None = None) -> int:
        """The position of the last `count` events, as far as they are offered; call it with the lock held.

        Args:
            count: at most capacity - gap are offered.
            wanted: counts only these events.
        """
        oldest = max(0, self.end - (self._capacity - self._gap))
        if wanted is None:
            return max(oldest, self.end - count)
        position = self.end
        self.follow(oldest)
        while position > oldest and count > 0:
            position -= 1
            count -= wanted(self._events[position % self._capacity])
        return position

    def sleep(self, key: object, position: int, wake: Callable[[], None]) -> bool:
        """Has `wake` called once, by any thread, when an event is appended or the ring is closed.

        Returns:
            False, without that, if there is something after `position` already.
        """
        with self.lock:
            if self.end != position or self.closed:
                return False
            self._sleepers[key] = wake
            return True

    def rouse(self, key: object) -> Callable[[], None] | None:
        """Takes back the `wake` of a sleeper; None if it was called or there is none."""
        with self.lock:
            return self._sleepers.pop(key, None)

    def close(self) -> None:
        """Ends all watches."""
        with self.lock:
            self.closed = True
            sleepers = self._wake()
        for wake in sleepers:
            wake()

    def _wake(self) -> Collection[Callable[[], None]]:
        sleepers, self._sleepers = self._sleepers, {}
        return sleepers.values()
