"""What the conformance tests share: what a backend can do, resources, and the reading of watches."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import attrs

from talos_resources.model.kind import Kind, untyped
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.state.contract import Watch
from talos_resources.state.events import Created, Destroyed, Updated

PATHS: Final[Kind[UntypedSpec]] = untyped("os/path", "default")

PATIENCE: Final = 30.0
"""Seconds after which a test gives up; no test waits for it when all is well."""


@attrs.frozen(kw_only=True)
class Can:
    """What a backend can do.

    Attributes:
        tail_events: watches can begin with the last events.
        history: how many events a kind keeps, None if more than the tests make.
        gap: how many of the oldest of them are not offered to new watches.
        threads: how many threads and writes per thread the stress tests use.
        close_ends_watches: closing the state ends its watches (and the tests may do it).
    """

    tail_events: bool = True
    history: int | None = None
    gap: int = 0
    threads: int = 4
    writes: int = 50
    close_ends_watches: bool = True


class Conformance:
    """The base of all parts."""

    can: ClassVar[Can] = Can()


def path(id: str, **parts: Any) -> Resource[UntypedSpec]:
    """A resource of a type without any spec."""
    return Resource.new(UntypedSpec(), id=id, kind=PATHS, **parts)


def take(watch: Watch[Any], count: int) -> list[Any]:
    """The next events."""
    return [watch.next(PATIENCE) for _ in range(count)]


def brief(event: Any) -> str:
    """An event in a word: `+a1` created, `~a2` updated, `-a2` destroyed with the version, else its class."""
    match event:
        case Created(resource):
            return f"+{resource.id}{resource.version}"
        case Updated(resource):
            return f"~{resource.id}{resource.version}"
        case Destroyed(reference):
            return f"-{reference.id}{reference.version or ''}"
        case _:
            return type(event).__name__


def told(watch: Watch[Any], count: int) -> list[str]:
    """The next events, each in a word."""
    return [brief(event) for event in take(watch, count)]
