"""Node trees as plain values: dict, list, str, int, float, bool, None and `TimeText`.

Two sets of rules: those of yaml.v3 and its successors, which read machine configuration, and those of
yaml.v2, which turn YAML into JSON before a JSON patch (there yes, no, on and off are booleans, and
dates stay text).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from math import isnan
from typing import Any, Final

from talos_resources.codec.goyaml.nodes import Node, at
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.codec.timetext import TimeText
from talos_resources.model.errors import DecodeError

OLD_BOOLS: Final[dict[str, bool]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
"""The booleans of YAML 1.1: plain text to yaml.v3 unless a boolean is asked for."""


def pairs_of(node: Node, *, source: str = "") -> Iterator[tuple[Node, Node]]:
    """The pairs of a mapping with its merge keys (`<<`) filled in; the mapping's own keys win.

    Raises:
        DecodeError: a key that is there twice, or a merge of something that is no mapping.
    """
    lines: dict[str, int] = {}
    merges: list[Node] = []
    for key, value in node.pairs:
        if key.kind == "scalar":
            if key.value in lines:
                text = f'mapping key "{key.value}" already defined at line {lines[key.value]}'
                raise DecodeError(text, source=at(source, key.line))
            lines[key.value] = key.line
        if key.is_plain and key.value == "<<":
            merges.append(value)
            continue
        yield key, value
    for merge in merges:
        for mapping in merge.items if merge.kind == "sequence" else [merge]:
            if mapping.kind != "mapping":
                raise DecodeError("map merge requires a mapping or a list of mappings", source=at(source, mapping.line))
            for key, value in pairs_of(mapping, source=source):
                if key.kind == "scalar" and key.value not in lines:
                    lines[key.value] = key.line
                    yield key, value


def scalar(node: Node, *, v2: bool = False, source: str = "") -> Any:
    """The value of a scalar node: resolved if it is plain, else what the tag or the quotes say.

    Raises:
        DecodeError: a tag that the text does not fit (`!!int x`).
    """
    if node.is_plain:
        return _plain(node.value, v2=v2)
    tag = node.tag
    if tag in {"", "!", "!!str"} or not tag.startswith("!!"):
        return node.value
    if tag == "!!binary":
        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise DecodeError("!!binary value contains invalid base64 data", source=at(source, node.line)) from error
    value = resolve(node.value)
    if tag == "!!float" and type(value) is int:
        return float(value)
    wanted = {"!!int": int, "!!float": float, "!!bool": bool, "!!null": type(None), "!!timestamp": TimeText}.get(tag)
    if wanted is not None and type(value) is not wanted:
        raise DecodeError(f"cannot decode {node.value[:40]!r} as a {tag}", source=at(source, node.line))
    return value


def _plain(text: str, *, v2: bool) -> Any:
    if v2 and text in OLD_BOOLS:
        return OLD_BOOLS[text]
    value = resolve(text)
    if isinstance(value, str | bool | int | float | None) and not (v2 and isinstance(value, TimeText)):
        return value
    return text  # a merge key that is no key, or a date to yaml.v2


def value_of(node: Node, *, v2: bool = False, source: str = "") -> Any:
    """The plain value of a node.

    Args:
        node: of a tree that `compose_all` made.
        v2: resolve as yaml.v2 does, and turn every key into text as its JSON conversion does; else keys
            keep the type they resolve to.
        source: a file name for errors.

    Raises:
        DecodeError: a duplicate key, a key that is no scalar, or a scalar that does not fit its tag;
            `source` has the line.
    """
    if node.kind == "scalar":
        return scalar(node, v2=v2, source=source)
    if node.kind == "sequence":
        return [value_of(item, v2=v2, source=source) for item in node.value]
    return {_key(key, v2=v2, source=source): value_of(value, v2=v2, source=source) for key, value in pairs_of(node, source=source)}


def _key(node: Node, *, v2: bool, source: str) -> Any:
    if node.kind != "scalar":
        raise DecodeError(f"a {node.kind} cannot be a key", source=at(source, node.line))
    key = scalar(node, v2=v2, source=source)
    if not v2 or isinstance(key, str):
        return key
    if key is None:
        raise DecodeError("null cannot be a key", source=at(source, node.line))
    return str(key).lower() if isinstance(key, bool) else str(key)


def same(one: Any, other: Any) -> bool:
    """Equality that tells numbers, texts and booleans apart, and takes what is not a number for equal to itself."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    both_nan = isinstance(one, float) and isinstance(other, float) and isnan(one) and isnan(other)
    return both_nan or (isinstance(one, bool) == isinstance(other, bool) and bool(one == other))
