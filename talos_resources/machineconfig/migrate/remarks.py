"""Comments of a YAML text, and the keys that they belong to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import attrs

from talos_resources.codec.goyaml.nodes import Node

Path = tuple[str | int, ...]

_AFTER: Final = re.compile(r"[^#\n]*?[ \t](#.*)")
"""What may follow the last value of a line; only punctuation comes before the comment there."""


@attrs.frozen
class Remark:
    """A comment.

    Attributes:
        path: of the key or list item that it belongs to; empty for the document.
        lines: as written from the `#` on, one or more above the key; an empty one is a blank line.
        is_behind: it stands on the key's own line.
    """

    path: Path
    lines: tuple[str, ...]
    is_behind: bool = False


@attrs.frozen
class _Place:
    path: Path
    line: int
    end: int


def remarks(text: str, root: Node, last_line: int) -> list[Remark]:
    """The comments of one document, in their order.

    A line of its own belongs to the key that comes next, and to the document where none comes.

    Args:
        text: the whole text.
        root: of the document.
        last_line: where the document ends, 1-based.
    """
    places = list(_places(root, ()))
    lines = text.splitlines()
    starts = list(accumulate((len(line) for line in text.splitlines(keepends=True)), initial=0))
    inside = {line for node in _nodes(root) for line in _content_lines(node, starts)}
    found: list[Remark] = []
    pending: list[str] = []
    first = _first_line(lines, root.line)
    for number in range(first, last_line + 1):
        content = lines[number - 1].strip()
        if number in inside:
            continue
        if content.startswith("#") or not content:
            pending.append(content)
            continue
        here = [place for place in places if place.line == number]
        if pending and here:
            found.append(Remark(here[0].path, tuple(pending)))
            pending = []
        ending = [place for place in places if starts[number - 1] <= place.end <= starts[number]]
        if ending:
            last = max(ending, key=lambda place: place.end)
            match = _AFTER.match(text[last.end : starts[number]].rstrip("\r\n"))
            if match is not None:
                found.append(Remark(last.path, (match[1],), is_behind=True))
    if any(pending):
        found.append(Remark((), tuple(pending)))
    return found


def _first_line(lines: list[str], line: int) -> int:
    """The first of the lines above a document that are comments or blank."""
    while line > 1 and (not lines[line - 2].strip() or lines[line - 2].strip().startswith("#")):
        line -= 1
    return line


def _places(node: Node, path: Path) -> Iterator[_Place]:
    """Where keys and items begin, and where what is on the same line ends."""
    for key, value in node.pairs:
        inner = (*path, key.text)
        yield _Place(inner, key.line, _end_on_line(key, value))
        if value.kind != "scalar" and value.style:  # a flow collection belongs to its key as a whole
            yield _Place(inner, -1, value.end)
        else:
            yield from _places(value, inner)
    for index, item in enumerate(node.items):
        inner = (*path, index)
        yield _Place(inner, item.line, item.end if item.kind == "scalar" or item.style else item.start)
        if not item.style:
            yield from _places(item, inner)


def _end_on_line(key: Node, value: Node) -> int:
    is_block = value.style in {"|", ">"} if value.kind == "scalar" else not value.style
    if value.line != key.line or is_block:
        return key.end
    return value.end


def _nodes(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        here = stack.pop()
        stack += [part for pair in here.pairs for part in pair] + here.items
        yield here


def _content_lines(node: Node, starts: list[int]) -> range:
    """The further lines of a text that goes over several: what looks like a comment there is none."""
    if node.kind != "scalar":
        return range(0)
    last = bisect_right(starts, max(node.end - 1, node.start))
    return range(node.line + 1, last + 1 if node.style in {"|", ">"} else last)
