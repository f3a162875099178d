"""What the consumer of a watch has been told, and what to tell when a new stream takes over: no I/O.

A stream of events breaks: the connection is lost, the node reboots, the watcher was too slow. The next
stream begins after the bookmark of the last event; where the other side does not have it any more, with
everything that is there, and the difference to what was told is told as ordinary events. A resource
that was destroyed and created again in between is told as just that. What cannot be known (a watch
that never saw the contents and whose bookmark is gone) is an error, never a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypedDict, assert_never

from talos_resources.model.errors import WatchError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated
from talos_resources.state.watch_spec import WatchSpec


class Start(TypedDict):
    """How a stream begins; the options of a WatchRequest."""

    bootstrap: bool
    bootstrap_bookmark: bool
    tail_events: int
    start_from_bookmark: bytes | None


class Continuity:
    """Turns the events of one stream after the other into one sequence without gaps or repetitions."""

    def __init__(self, spec: WatchSpec) -> None:
        self._spec = spec
        # What the consumer believes to be there; None as long as nobody knows.
        self._known: dict[str, Resource[Any]] | None = {} if spec.tells_contents else None
        self._bookmark = spec.start_from_bookmark
        self._began = False
        self._told_bootstrapped = not spec.bootstrap or not spec.tells_contents
        self._told_noop = not spec.bootstrap_bookmark
        # The ids of the contents as they are told again; None while events are news.
        self._seen: set[str] | None = None

    def start(self, *, bookmark_is_good: bool = True) -> Start | None:
        """How the next stream must begin; None if the watch cannot go on.

        Args:
            bookmark_is_good: False when the other side has refused the last bookmark.
        """
        self._seen = None
        if not self._began:
            # Even the first moment must be found again, whatever happens before the first event.
            with_bookmark = self._spec.bootstrap_bookmark or not (
                self._spec.tells_contents or self._spec.tail_events or self._spec.start_from_bookmark is not None
            )
            return Start(
                bootstrap=self._spec.bootstrap and self._spec.tells_contents,
                bootstrap_bookmark=with_bookmark and self._spec.id is None,
                tail_events=self._spec.tail_events,
                start_from_bookmark=self._spec.start_from_bookmark,
            )
        if self._bookmark is not None and bookmark_is_good:
            return Start(bootstrap=False, bootstrap_bookmark=False, tail_events=0, start_from_bookmark=self._bookmark)
        if self._known is None:
            return None
        self._seen = set()
        return Start(bootstrap=self._spec.id is None, bootstrap_bookmark=False, tail_events=0, start_from_bookmark=None)

    @property
    def tells_anew(self) -> bool:
        """Whether the stream is still telling what is there, instead of what was missed."""
        return self._seen is not None

    def established(self) -> None:
        """The stream that `start` described is subscribed."""
        self._began = True

    def tell(self, events: Iterable[AnyEvent]) -> tuple[list[AnyEvent], WatchError | None]:
        """What the consumer must be told of these events of the current stream.

        Returns:
            The events to tell, and why the stream cannot go on if it says so; another stream may.
        """
        told: list[AnyEvent] = []
        for event in events:
            if isinstance(event, Errored):
                return told, event.error
            told += self._difference(event) if self._seen is not None else self._news(event)
        return told, None

    def lost(self, reason: Exception) -> WatchError:
        """The error for the consumer of a watch that cannot go on."""
        if isinstance(reason, WatchOverrunError):
            reason.bookmark = self._bookmark
            return reason
        return WatchError(
            f"the watch of {self._spec.type} was interrupted and cannot be resumed: {reason}; list again and watch from there"
        )

    def _news(self, event: AnyEvent) -> Iterator[AnyEvent]:
        match event:
            case Created(resource) | Updated(resource):
                self._learn(resource.metadata.id, resource)
            case Destroyed(reference):
                self._learn(reference.id, None)
            case Bootstrapped():
                self._told_bootstrapped, asked = True, not self._told_bootstrapped
                self._bookmark = event.bookmark
                if asked:
                    yield event
                return
            case Noop():
                self._told_noop, asked = True, not self._told_noop
                self._bookmark = event.bookmark
                if asked:
                    yield event
                return
            case Errored():  # `tell` has looked for it
                return
            case _:
                assert_never(event)
        if event.bookmark is not None:
            self._bookmark = event.bookmark
        yield event

    def _learn(self, id: str, resource: Resource[Any] | None) -> None:
        if self._known is None:
            if self._spec.id is None:
                return
            self._known = {}  # one resource: an event tells all there is to know of it
        if resource is None:
            self._known.pop(id, None)
        else:
            self._known[id] = resource

    def _difference(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """What the contents, told again, have that the consumer does not know."""
        assert self._known is not None
        assert self._seen is not None
        match event:
            case Created(resource):
                self._seen.add(resource.metadata.id)
                yield from self._changed(resource, event.bookmark)
            case Destroyed(reference) if self._spec.id is not None:
                yield from self._gone([reference.id], event.bookmark)
            case Bootstrapped(bookmark):
                yield from self._gone(sorted(self._known.keys() - self._seen, key=str.encode), bookmark)
                if not self._told_bootstrapped:
                    self._told_bootstrapped = True
                    yield event
            case _:
                yield from self._news(event)
                return
        if self._spec.id is not None or isinstance(event, Bootstrapped):
            self._seen = None
            self._bookmark = event.bookmark

    def _changed(self, resource: Resource[Any], bookmark: bytes | None) -> Iterator[AnyEvent]:
        assert self._known is not None
        old = self._known.get(resource.metadata.id)
        self._known[resource.metadata.id] = resource
        if old is None:
            yield Created(resource, bookmark)
        elif old.metadata.created != resource.metadata.created:
            yield Destroyed(old.reference, old)
            yield Created(resource, bookmark)
        elif old.metadata.version != resource.metadata.version or not old.same_content(resource):
            yield Updated(resource, old, bookmark)

    def _gone(self, ids: list[str], bookmark: bytes | None) -> Iterator[AnyEvent]:
        assert self._known is not None
        for gone in ids:
            old = self._known.pop(gone, None)
            if old is not None:
                yield Destroyed(old.reference, old, bookmark if gone == ids[-1] else None)
