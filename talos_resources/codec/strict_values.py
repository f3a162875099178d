"""Plain values → the values of fields, strictly; every fault says what was expected and what there is."""

from __future__ import annotations

import binascii
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from cattrs import ClassValidationError, IterableValidationError, IterableValidationNote
from immutabledict import immutabledict

from talos_resources.codec.timetext import TimeText
from talos_resources.model.freezing import frozen
from talos_resources.model.net import IPPrefix
from talos_resources.model.timestamp import Timestamp

_INVALID_PREFIX: Final = "invalid Prefix"
_NAMED: Final = 12
"""So many values of an enumeration are told in a fault; the types of links are ninety."""


class FaultError(ValueError):
    """A value that its field cannot take; the text must not show a secret."""


def named(value: Any) -> str:
    """What a value is, without showing it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case TimeText():
            return "a time"
        case str():
            return "a text"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def shown(value: Any) -> str:
    """What a value is, with short ones shown."""
    return f"{named(value)} ({value!r:.60})" if isinstance(value, (str, int, float)) else named(value)


def text(value: Any, _: Any = None) -> str:
    """A text, which a time without quotes is not."""
    if not isinstance(value, str) or isinstance(value, TimeText):
        raise FaultError(f"expected a text, got {named(value)}; quote it if it is one")
    return str(value)


def flag(value: Any, _: Any = None) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise FaultError(f"expected true or false, got {shown(value)}")
    return value


def number(bounds: range, value: Any, _: Any = None) -> int:
    """An integer within bounds."""
    if type(value) is not int:
        raise FaultError(f"expected an integer, got {shown(value)}")
    if value not in bounds:
        raise FaultError(f"{value} is not from {bounds.start} to {bounds.stop - 1}")
    return value


def byte_list(value: Any, _: Any = None) -> bytes:
    """Bytes as a list of integers; null is none."""
    if value is None:
        return b""
    if not isinstance(value, (list, tuple)) or not all(type(byte) is int and 0 <= byte < 256 for byte in value):
        raise FaultError(f"expected a list of bytes (integers from 0 to 255), got {named(value)}")
    return bytes(value)


def time(value: Any, _: Any = None) -> Timestamp:
    """A time in RFC 3339."""
    if not isinstance(value, str):
        raise FaultError(f"expected a time, got {shown(value)}")
    return Timestamp.parse(value)


def prefix(text: str) -> IPPrefix:
    """An address with a prefix length, also what Talos prints for one that is none."""
    # What Talos prints for a length that does not fit; which address it had is not told.
    return IPPrefix(ipaddress.IPv6Address(0), None) if text == _INVALID_PREFIX else IPPrefix.parse(text)


def parsed(parse: Callable[[str], Any], what: str, value: Any, _: Any = None) -> Any:
    """A network value; empty text and null are None."""
    if value is None or (isinstance(value, str) and not value):
        return None
    if not isinstance(value, str):
        raise FaultError(f"expected {what}, got {shown(value)}")
    return parse(value)


def member(cls: type[Enum], value: Any, _: Any = None) -> Enum:
    """A member of an enumeration, by its value."""
    if isinstance(value, str):
        try:
            return cls(value)
        except ValueError:
            pass
    raise FaultError(f"expected one of {_some([repr(member.value) for member in cls])}, got {shown(value)}")


def _some(words: Sequence[str]) -> str:
    """Words of a message, the first ones where there are dozens."""
    return ", ".join(words) if len(words) <= _NAMED else f"{', '.join(words[:_NAMED])} and {len(words) - _NAMED} more"


def decimal(value: Any, _: Any = None) -> float:
    """A number."""
    if type(value) not in {int, float}:
        raise FaultError(f"expected a number, got {shown(value)}")
    return float(value)


def typed_text(parse: Callable[[str], Any], what: str, value: Any, _: Any = None) -> Any:
    """A value with a text of its own; empty text is its empty value."""
    if not isinstance(value, str):
        raise FaultError(f"expected {what}, got {shown(value)}")
    return parse(value)


def free_form(value: Any, _: Any = None) -> Any:
    """A mapping of anything; null is an empty one."""
    if value is None:
        return immutabledict()
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping, got {shown(value)}")
    return frozen(value)


def url(value: Any, _: Any = None) -> Any:
    """A URL as talosctl prints it."""
    from talos_resources.codec.urls import url_from_plain

    return url_from_plain(value)


def base64(value: Any, _: Any = None) -> bytes:
    """Bytes in base64; null is none."""
    if value is None:
        return b""
    try:
        return binascii.a2b_base64(text(value), strict_mode=True)
    except ValueError:
        raise FaultError("expected base64") from None


def text_bytes(value: Any, _: Any = None) -> bytes:
    """Bytes as a text, or as a list of integers."""
    return value.encode() if isinstance(value, str) else byte_list(value)


def entries(item: Callable[[Any], Any], value: Any, _: Any = None) -> Any:
    """A mapping whose values are read one by one; null is an empty one."""
    if value is None:
        return immutabledict()
    made, errors = {}, []
    for key, entry in mapping(value).items():
        try:
            made[text(key)] = item(entry)
        except (ValueError, ClassValidationError) as error:
            error.add_note(IterableValidationNote("entry", str(key), str))
            errors.append(error)
    if errors:
        raise IterableValidationError("entries", errors, immutabledict)  # pyright: ignore[reportCallIssue]  # the stub of the base class
    return immutabledict(made)


def listed(item: Callable[[Any], Any], value: Any, _: Any = None) -> tuple[Any, ...]:
    """A list whose items are read one by one; null is an empty one."""
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise FaultError(f"expected a list, got {shown(value)}")
    made, errors = [], []
    for index, entry in enumerate(value):
        try:
            made.append(item(entry))
        except (ValueError, ClassValidationError) as error:
            error.add_note(IterableValidationNote("item", index, tuple))
            errors.append(error)
    if errors:
        raise IterableValidationError("items", errors, tuple)  # pyright: ignore[reportCallIssue]  # the stub of the base class
    return tuple(made)


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping."""
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping, got {shown(value)}")
    return value


def unquoted(value: Any) -> Any:
    """A mapping of texts of which Talos quotes none, whatever they look like."""
    return {_as_text(key, "null"): _as_text(item, "~") for key, item in value.items()} if isinstance(value, Mapping) else value


def _as_text(value: Any, nothing: str) -> Any:
    if value is None:
        return nothing
    return str(value).lower() if isinstance(value, (bool, int, float)) else value
