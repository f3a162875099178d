"""Plain values that nobody can change, and such that are dictionaries and lists again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from immutabledict import immutabledict

MAX_DEPTH: Final = 100
"""Of free-form values, on the wire too."""


def thawed(value: Any) -> Any:
    """A frozen plain value as dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, tuple) else value


def frozen(value: Any) -> Any:
    """A plain value without anything that can change."""
    if isinstance(value, Mapping):
        return immutabledict({key: frozen(item) for key, item in value.items()})
    return tuple(frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def free_form(value: Any, depth: int = MAX_DEPTH) -> Any:
    """What somebody gave for a free-form value, frozen.

    Raises:
        TypeError: it holds something else than mappings of texts, lists, texts, numbers, booleans and None.
        ValueError: it is nested more than 100 deep, or holds itself.
    """
    if not depth:
        raise ValueError(f"this is nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return immutabledict({_key(key): free_form(item, depth - 1) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(free_form(item, depth - 1) for item in value)
    raise TypeError(f"a free-form value has no {type(value).__name__} in it")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a free-form value has texts for keys, no {type(key).__name__}")
    return key
