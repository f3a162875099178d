"""Pieces of YAML in the style of the file that they go into."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.emit import double_quoted, dump, literal, needs_block, scalar
from talos_resources.codec.goyaml.nodes import Node

_FLOW_UNSAFE: Final = re.compile(r"[,\[\]{}?:]")


@attrs.frozen
class Style:
    """How a file is indented.

    Attributes:
        step: blanks from the column of a mapping to that of a mapping inside of it.
        dash: blanks from the column of a mapping to the dashes of a list inside of it.
    """

    step: int = 4
    dash: int = 4

    @classmethod
    def of(cls, roots: list[Node]) -> Style:
        """What most collections of the documents do; Talos's own style where there are none."""
        steps: Counter[int] = Counter()
        dashes: Counter[int] = Counter()
        pending, seen = list(roots), set[int]()
        while pending:
            node = pending.pop()
            if id(node) in seen:  # an alias
                continue
            seen.add(id(node))
            for _, value in node.pairs:
                if value.pairs and not value.style:
                    steps[value.column - node.column] += 1
                elif value.items and not value.style:
                    dashes[value.column - node.column] += 1
                pending.append(value)
            pending.extend(node.items)
        step = next((step for step, _ in steps.most_common() if step > 0), cls().step)
        return cls(step, next((dash for dash, _ in dashes.most_common() if dash >= 0), step))


def pair_lines(key: str, value: Any, column: int, style: Style) -> list[str]:
    """The lines of `key: value` for a mapping at this column; the first one without indentation."""
    name = scalar(key) if "\n" not in key else double_quoted(key)
    if not _is_nested(value):
        return _leaf_lines(f"{name}: ", value, column=column, inner=column + style.step)
    inner = column + (style.step if isinstance(value, dict) else style.dash)
    return [f"{name}:", *_indented(_nested_lines(value, inner, style), inner)]


def item_lines(value: Any, column: int, style: Style) -> list[str]:
    """The lines of a list item whose dash is at this column; the first one without indentation."""
    if not _is_nested(value):
        return _leaf_lines("- ", value, column=column, inner=column + 2)
    first, *others = _nested_lines(value, column + 2, style)
    return [f"- {first}", *others]


def flow(value: Any) -> str:
    """The value on one line, safe inside of a flow collection."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _flow_scalar(value)


def leaf(value: Any) -> str:
    """A scalar or an empty collection on one line."""
    if type(value) is str:
        return scalar(value) if "\n" not in value else double_quoted(value)
    return dump(value).rstrip("\n")


def _flow_scalar(value: Any) -> str:
    return double_quoted(value) if type(value) is str and _FLOW_UNSAFE.search(value) else leaf(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _nested_lines(value: Any, column: int, style: Style) -> list[str]:
    """The lines of a collection at this column; the first one without indentation."""
    lines: list[str] = []
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in entries:
        part = pair_lines(str(key), item, column, style) if isinstance(value, dict) else item_lines(item, column, style)
        lines += [part[0] if not lines else " " * column + part[0], *part[1:]]
    return lines


def _indented(lines: list[str], column: int) -> list[str]:
    return [" " * column + lines[0], *lines[1:]]


def _leaf_lines(lead: str, value: Any, *, column: int, inner: int) -> list[str]:
    # A block that keeps all its newlines would also take blank lines that follow it in the file.
    if type(value) is str and needs_block(value) and not value.endswith("\n\n"):
        return (lead + literal(value, indent=inner, parent=column)).split("\n")
    return [lead + leaf(value)]
