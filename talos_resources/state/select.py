"""What a watch with queries is told: pure functions from the store's events to the watcher's.

Source: COSI runtime v1.16.2, watches of a kind with label and id queries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from talos_resources.model.query import Matcher, matcher
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated
from talos_resources.state.watch_spec import WatchSpec


def selector(spec: WatchSpec) -> Callable[[AnyEvent], AnyEvent | None] | None:
    """What a watch makes of each event of its kind; None if it is told all of them as they are.

    Raises:
        QueryError: a query that cannot be understood.
    """
    wanted = spec.id
    if wanted is not None:
        return lambda event: event if is_about(event, wanted) else None
    matches = matcher(spec.labels, spec.ids)
    return None if matches is None else lambda event: select(event, matches)


def select(event: AnyEvent, matches: Matcher) -> AnyEvent | None:
    """The event as it is for those who only look at resources that match; None if it is none of theirs.

    An update that leaves the match is told as Destroyed, one that enters it as Created.
    """
    match event:
        case Created(resource):
            return event if matches(resource.metadata) else None
        case Updated(resource, old, bookmark):
            return _select_update(event, matches(resource.metadata), old is None or matches(old.metadata), bookmark)
        case Destroyed(_, resource):
            return event if resource is None or matches(resource.metadata) else None
        case Bootstrapped() | Noop() | Errored():
            return event
        case _:
            assert_never(event)


def _select_update(event: Updated[Any], matches: bool, matched: bool, bookmark: bytes | None) -> AnyEvent | None:
    if matches:
        return event if matched else Created(event.resource, bookmark)
    return Destroyed(event.resource.metadata.reference, event.resource, bookmark) if matched else None


def is_about(event: AnyEvent, id: str) -> bool:
    """Whether the event tells of the resource of this id."""
    match event:
        case Created(resource) | Updated(resource):
            return resource.metadata.id == id
        case Destroyed(reference):
            return reference.id == id
        case _:
            return False
