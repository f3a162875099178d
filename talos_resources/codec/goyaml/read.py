"""Reads YAML as Go's yaml.v3 and v4 do, into plain values."""

from __future__ import annotations

from typing import Any

from talos_resources.codec.goyaml.nodes import at, compose_all
from talos_resources.codec.goyaml.values import value_of
from talos_resources.model.errors import DecodeError


def load(data: bytes | str, *, source: str = "") -> Any:
    """Reads a text of at most one document; an empty text is None.

    Args:
        data: UTF-8 (or UTF-16 with a byte order mark) if bytes.
        source: a file name for errors.

    Returns:
        dict, list, str, int, float, bool, None or `TimeText`.

    Raises:
        DecodeError: no YAML, a key that is there twice, several documents, nesting or aliases beyond
            bounds; `source` has the line.
    """
    documents = compose_all(data, source=source)
    if len(documents) > 1:
        raise DecodeError("expected one document, found another", source=at(source, documents[1].line))
    return value_of(documents[0], source=source) if documents else None


def load_all(data: bytes | str, *, source: str = "") -> list[Any]:
    """Reads every document of a text; see `load`."""
    return [value_of(document, source=source) for document in compose_all(data, source=source)]
