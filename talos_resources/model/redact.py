"""Resources without their secrets, for dumps and recordings."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar, cast

import attrs
from immutabledict import immutabledict

from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import own_kind
from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED, RedactedSpec, UnreadableSpec, UntypedSpec, wire_field

__all__ = ["REDACTED", "may_hold_secrets", "redacted"]

S = TypeVar("S")


def redacted(resource: Resource[S], *, sensitive: bool) -> Resource[S]:
    """The same resource with `REDACTED` for every secret that there is.

    Args:
        resource: returned itself if it has no secret.
        sensitive: its kind is. Nothing is known of fields without a class, nor of those that a class does
            not know, so they go altogether; and of Talos's other types, which may hold anything, all does.
    """
    try:
        spec: Any = resource.spec
    except DecodeError as error:  # which the first look at what a node sent can find
        return resource.with_spec(RedactedSpec(unreadable=error.message))  # type: ignore[arg-type]  # as below
    if isinstance(spec, UntypedSpec) or (sensitive and own_kind(resource.type) is None):
        # Nobody can tell which part of a spec that its class cannot read is a secret.
        if isinstance(spec, UnreadableSpec):
            return resource.with_spec(RedactedSpec(unreadable=spec.reason))  # type: ignore[arg-type]  # S is UntypedSpec
        return resource.with_spec(RedactedSpec()) if sensitive else resource  # type: ignore[arg-type]  # S is UntypedSpec
    kept = _hidden(spec) if may_hold_secrets(type(spec)) else spec
    if sensitive and spec.unknown is not None:
        kept = attrs.evolve(kept, unknown=None)
    return resource if kept is spec else resource.with_spec(kept)


def _hidden(value: Any) -> Any:
    """The value itself, or one with `REDACTED` for the secrets in it."""
    if isinstance(value, tuple):
        items = tuple(map(_hidden, value))
        return value if all(one is other for one, other in zip(items, value, strict=True)) else items
    if isinstance(value, Mapping):
        entries = {key: _hidden(item) for key, item in value.items()}
        return value if all(entries[key] is item for key, item in value.items()) else immutabledict(entries)
    if not attrs.has(type(value)):
        return value
    changes: dict[str, Any] = {}
    for attribute in attrs.fields(type(value)):
        declared = wire_field(attribute)
        if declared is None:
            continue
        given = getattr(value, attribute.name)
        if not declared.secret:
            hidden = _hidden(given)
        elif given:
            hidden = REDACTED if isinstance(given, str) else type(given)()
        else:
            continue
        if hidden is not given:
            changes[attribute.name] = hidden
    return attrs.evolve(value, **changes) if changes else value


def _declares_secrets(cls: type[Any], within: frozenset[type[Any]] = frozenset()) -> bool:
    """Whether a class has a field for a secret, or one for values of such a class: most have none, and need not be walked."""
    hints = typing.get_type_hints(cls)
    for attribute in attrs.fields(cls):
        declared = wire_field(attribute)
        inner = [found for found in _classes(hints[attribute.name]) if found is not cls and found not in within]
        if declared is not None and (declared.secret or any(_declares_secrets(found, within | {cls}) for found in inner)):
            return True
    return False


def _classes(hint: Any) -> Iterator[type[Any]]:
    if isinstance(hint, type) and attrs.has(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


may_hold_secrets: Final = cast("Callable[[type[Any]], bool]", functools.cache(_declares_secrets))
"""Whether values of a spec class may hold what nobody is to remember."""
