"""Plain values that nobody can change, and such that are dictionaries and lists again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from immutabledict import immutabledict


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
