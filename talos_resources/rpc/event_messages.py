"""The events of `cosi.resource.State.Watch` as the client reads them, by hand as `rpc.messages`; only watches need them.

Source: COSI runtime v1.16.2, state messages.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.codec.protowire import WireError
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.errors import DecodeError, WatchError, WatchOverrunError
from talos_resources.rpc.messages import fields_in
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated

OVERRUN: Final = "buffer overrun"
"""How the text of an error begins when a watcher was too slow."""

CREATED, UPDATED, DESTROYED, BOOTSTRAPPED, ERRORED, NOOP = range(6)
"""`EventType`."""

_EVENT_FIELDS: Final = {
    1: ("resource", bytes),
    2: ("event_type", int),
    3: ("old", bytes),
    4: ("error", bytes),
    5: ("bookmark", bytes),
}


def events_of(response: bytes) -> list[AnyEvent]:
    """The events of a WatchResponse; empty for the one that says that the watch is ready.

    Raises:
        DecodeError: it is no such message.
    """
    try:
        return [_event(payload) for number, payload in fields_in(response) if number == 1 and isinstance(payload, bytes)]
    except WireError as error:
        raise DecodeError(f"not a message: {error}", path="event") from None


def _event(data: bytes) -> AnyEvent:
    values: dict[int, Any] = dict(fields_in(data))
    for number, (name, kind) in _EVENT_FIELDS.items():
        if number in values and not isinstance(values[number], kind):
            raise DecodeError("it is sent as another kind of value than protobuf has there", path=f"event.{name}")
    bookmark: bytes | None = values.get(5)
    match values.get(2, CREATED):
        case 0:
            return Created(resource_from_wire(values.get(1, b"")), bookmark)
        case 1:
            old = values.get(3)
            return Updated(resource_from_wire(values.get(1, b"")), None if old is None else resource_from_wire(old), bookmark)
        case 2:
            last = resource_from_wire(values.get(1, b""))
            # A tombstone, of a resource that the watch never saw, has no version.
            return Destroyed(last.reference, last if last.version else None, bookmark)
        case 3:
            return Bootstrapped(bookmark)
        case 4:
            return Errored(_watch_error(values.get(4, b""), bookmark), bookmark)
        case 5:
            return Noop(bookmark)
        case unknown:
            raise DecodeError(f"{unknown} is no type of event that is known here", path="event.event_type", value=unknown)


def _watch_error(text: bytes, bookmark: bytes | None) -> WatchError:
    message = text.decode("utf-8", "replace") or "the other side ended the watch without saying why"
    return WatchOverrunError(message, bookmark=bookmark) if message.startswith(OVERRUN) else WatchError(message)
