"""Fields that a class does not know: kept in messages by number, in YAML and JSON by name.

A node sends a spec as a message and as YAML. The message is read; where it has fields that the class does not
know, the YAML gives them names, so that they are shown, too; likewise the text of a CEL expression, of which the
message has the checked form only. What was read from YAML alone has no numbers: when it
is sent, the message gets a mark, a field that nobody has, so that the next reader looks into the YAML as well.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from talos_resources.codec.fields import cached, fields_of
from talos_resources.codec.protowire import LEN, tag
from talos_resources.model.spec import Unknown

_MARK: Final = tag((1 << 29) - 1, LEN) + b"\0"
"""An empty field of the highest number that protobuf has."""


def says_more(spec: Any) -> bool:
    """Whether the YAML of a spec says more than its message: of fields that a class does not know, or of CEL expressions."""
    if spec.unknown is not None:
        return True
    within = _messages(type(spec))
    if within and any(says_more(item) for name, repeated in within for item in _items(spec, name, repeated=repeated)):
        return True
    return any(getattr(spec, name) for name in _expressions(type(spec)))


@cached
def _messages(cls: type[Any]) -> tuple[tuple[str, bool], ...]:
    """The fields that are messages, and whether there are many."""
    return tuple((info.name, info.repeated) for info in fields_of(cls) if info.shape == "message" and not info.mapping)


@cached
def _expressions(cls: type[Any]) -> tuple[str, ...]:
    """The fields that are CEL expressions."""
    return tuple(info.name for info in fields_of(cls) if info.shape == "expression" and not info.plural)


def _items(spec: Any, name: str, *, repeated: bool) -> tuple[Any, ...]:
    value = getattr(spec, name)
    if repeated:
        return tuple(value or ())
    return () if value is None else (value,)


def marked(message: bytes, spec: Any) -> bytes:
    """The message of a spec, with the mark if some of its fields are in its YAML only."""
    return message + _MARK if _in_yaml_only(spec) else message


def _in_yaml_only(spec: Any) -> bool:
    unknown: Unknown | None = spec.unknown
    if unknown is not None and unknown.fields and not unknown.wire:
        return True
    for name in _expressions(type(spec)):
        held = getattr(spec, name)
        if held and not held.checked:
            return True
    within = _messages(type(spec))
    return bool(within) and any(_in_yaml_only(item) for name, repeated in within for item in _items(spec, name, repeated=repeated))


def with_names(spec: Any, named: Any) -> Any:
    """A spec read from its message, with what only its YAML says: names and values of unknown fields, texts of expressions."""
    changes: dict[str, Any] = {
        name: attrs.evolve(getattr(spec, name), text=written.text) for name in _expressions(type(spec)) if (written := getattr(named, name))
    }
    for name, repeated in _messages(type(spec)):
        mine, theirs = _items(spec, name, repeated=repeated), _items(named, name, repeated=repeated)
        if len(mine) == len(theirs) and any(map(says_more, (*mine, *theirs))):
            items = tuple(with_names(one, other) for one, other in zip(mine, theirs, strict=True))
            changes[name] = items if repeated else items[0]
    wire = spec.unknown.wire.replace(_MARK, b"") if spec.unknown is not None else b""
    fields, order = (named.unknown.fields, named.unknown.order) if named.unknown is not None else ((), ())
    changes["unknown"] = Unknown(wire=wire, fields=fields, order=order) if wire or fields else None
    return attrs.evolve(spec, **changes)
