"""What people paste: outputs of several commands with their prompts, notes, fences and colours around them.

Asked only when a text is not purely what talosctl prints: then what is a resource is found among the rest.
"""

from __future__ import annotations

import bisect
import codecs
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from talos_resources.codec.gojson import refuse_halves
from talos_resources.model.errors import DecodeError

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_QUOTED: Final = re.compile(r"^[ \t]*[>|│]+ ?")
_KEY: Final = re.compile(r"^([ \t]*)(node|event|metadata|spec):(?:\s|$)")
_COMMAND: Final = re.compile(r"\btalos(?:ctl|-resources)\b.*?\s(?:-n|--nodes?)[ =]([^\s,]+)(?:\s|$)")
_PATIENCE: Final = 50
"""After so many lines that look like JSON and are not, no further one is tried: each may cost the length of the text."""
_FIRST: Final = frozenset({"node", "event", "metadata"})


class Piece(NamedTuple):
    """A document in a pasted text.

    Attributes:
        value: as plain values; None if it cannot be read.
        node: of the command above it, if it names one.
        line: where it begins, counted from 1.
        text: as it stands there; empty for JSON.
    """

    value: Any
    node: str | None
    line: int
    text: str = ""


def text_of(data: bytes) -> str | None:
    """The text without byte-order marks, Windows line ends, colours, and marks of quotation; None if it is none.

    UTF-16 is what PowerShell writes.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\u200b", "")
    lines = text.split("\n")
    quoted = sum(bool(_QUOTED.match(line)) for line in lines)
    if 2 * quoted > sum(bool(line.strip()) for line in lines):
        lines = [_QUOTED.sub("", line) for line in lines]
    return "\n".join(lines)


def pieces(text: str, read: Callable[[str], Iterator[Any]], *, source: str) -> Iterator[Piece]:
    """The resources in a text, and what is one and cannot be read: cut short, or broken by hand.

    Args:
        text: of `text_of`.
        read: YAML → its documents; raises DecodeError.
        source: a file name for errors.

    Raises:
        DecodeError: half of a character in JSON.
    """
    lines = text.splitlines(keepends=True)
    starts = list(itertools.accumulate(map(len, lines), initial=0))
    number, node, failures = 0, None, 0
    while number < len(lines):
        line = lines[number]
        command = _COMMAND.search(line)
        if command:
            node = command[1]
        elif line.lstrip()[:1] in {"{", "["} and failures < _PATIENCE:
            values, end = _json(text, starts[number], starts[number + 1], source)
            failures += not values
            number = max(number + 1, bisect.bisect_left(starts, end))
            yield from (Piece(each, node, number) for value in values for each in _members(value))
            continue
        key = _KEY.match(line)
        if key is None or key[2] not in _FIRST:
            number += 1
            continue
        end = _end(lines, number, key[1])
        block = "".join(each.removeprefix(key[1]) for each in lines[number:end])
        yield Piece(_read(block, read), node, number + 1, block)
        number = end


def _read(block: str, read: Callable[[str], Iterator[Any]]) -> Any:
    try:
        return next((value for value in read(block) if _is_resource(value)), None)
    except DecodeError:
        return None


def _end(lines: list[str], start: int, indent: str) -> int:
    """The line after a document that begins at one."""
    seen: set[str] = set()
    for number in range(start, len(lines)):
        line = lines[number]
        key = _KEY.match(line)
        if key is not None and key[1] == indent:
            if key[2] in seen or (key[2] in {"node", "event"} and "metadata" in seen):
                return number
            seen.add(key[2])
        elif line.strip() and not (line.startswith(indent) and line[len(indent) :][:1] in {" ", "\t"}):
            return number
    return len(lines)


def _json(text: str, start: int, after: int, source: str) -> tuple[list[Any], int]:
    """The JSON values that begin on a line, and where they end; none, and the next line, if there are none."""
    values: list[Any] = []
    while True:
        start += len(text[start:after]) - len(text[start:after].lstrip())
        if text[start : start + 1] not in {"{", "["}:
            return values, start if values else after
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
            refuse_halves(value, text[start:end], source=source)
        except (ValueError, RecursionError):
            return values, after
        values.append(value)
        start = end
        after = text.find("\n", start) + 1 or len(text)


def _members(value: Any) -> Iterator[Any]:
    """The resources of a list, or of an object that has one."""
    several = value.get("items") if isinstance(value, dict) and isinstance(value.get("items"), list) else value
    for each in several if isinstance(several, list) else [several]:
        if _is_resource(each):
            yield each


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("metadata"), dict) and "type" in value["metadata"]
