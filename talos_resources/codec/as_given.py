"""What a document says of a spec, where its class would write something else: other releases have other fields."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from talos_resources.codec.fields import FieldInfo, cached, fields_of
from talos_resources.codec.timetext import TimeText


def text_as_given(spec: Any, given: Any) -> str | None:
    """The YAML of a spec with what its document has and nothing else, in the order of the class; None if the class writes just that.

    A field that came with a later release, which the class always writes, is missing in what an older node wrote.

    Args:
        spec: as it was read.
        given: the plain values that it was read from. In JSON their order says nothing.
    """
    if _has_all(type(spec), given):
        return None
    # Who only reads resources does not pay for the YAML writer.
    from talos_resources.codec.goyaml.emit import dump
    from talos_resources.releases import NEWEST

    return dump(_in_order(type(spec), given), style=NEWEST.yaml)


def says_less(cls: type[Any], text: str) -> bool:
    """Whether the YAML of a spec that a node wrote lacks a key that the class always writes; lists and mappings are not looked into."""
    return _lacks(cls, f"\n{text}", "\n")


def _lacks(cls: type[Any], text: str, margin: str) -> bool:
    keys = _keys(cls)
    if any(f"{margin}{key}:" not in text for key in keys.always):
        return True
    deeper = f"{margin}    "
    for key, inner, is_mapping in keys.within:
        if is_mapping:
            continue
        if f"{margin}{key}: {{}}" in text and _keys(inner).always:
            return True
        _, found, rest = text.partition(f"{margin}{key}:{deeper}")
        if found and not rest.startswith("- ") and _lacks(inner, deeper + re.split(rf"{margin}(?=\S)", rest, maxsplit=1)[0], deeper):
            return True
    return False


class _Keys(NamedTuple):
    always: frozenset[str]
    never_empty: frozenset[str]
    within: tuple[tuple[str, type[Any], bool], ...]
    """Key and class of each part, and whether there is a mapping of them."""


@cached
def _keys(cls: type[Any]) -> _Keys:
    infos = fields_of(cls)
    return _Keys(
        frozenset(info.key for info in infos if info.key and not info.omit_empty),
        frozenset(info.key for info in infos if info.omit_empty),
        tuple((info.key, info.cls, info.mapping) for info in infos if info.shape == "message"),
    )


def _has_all(cls: type[Any], given: Any) -> bool:
    """Whether a document has the keys that the class writes: most do, and looking takes less time than writing."""
    if isinstance(given, list):
        return all(_has_all(cls, item) for item in given)
    keys = _keys(cls)
    if not isinstance(given, dict) or not keys.always <= given.keys():
        return False
    return all(given[key] for key in keys.never_empty & given.keys()) and all(
        _has_all(inner, list(given[key].values()) if is_mapping and isinstance(given[key], dict) else given[key])
        for key, inner, is_mapping in keys.within
        if key in given
    )


def _in_order(cls: type[Any], given: Any) -> Any:
    """The values of a spec in the order of its class, and what that does not know behind them."""
    if isinstance(given, list):
        return [_in_order(cls, item) for item in given]
    if not isinstance(given, dict):
        return given
    known = {info.key: _value(info, given[info.key]) for info in fields_of(cls) if info.key in given}
    return {**known, **{key: value for key, value in given.items() if key not in known}}


def _value(info: FieldInfo, value: Any) -> Any:
    if info.shape == "time" and isinstance(value, str):
        return TimeText(value)  # in JSON it is a text as any other
    return _in_order(info.cls, value) if info.shape == "message" else value
