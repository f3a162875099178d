"""Reads a talosconfig in the form that talosctl writes, without a YAML parser.

Loading one takes as long as Python takes to start, and every command on live nodes would pay for it. What is
read here is what the parser would read, to the letter; whatever is not that plain form is left to it.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

Fields = dict[str, str | list[str]]
"""What a context has: `endpoints` and `nodes` are lists."""

_LISTS: Final = ("endpoints", "nodes")
_TEXTS: Final = ("ca", "crt", "key", "cluster", "proxy-url")
# Written out: nothing else of a short command needs the module `string`.
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=._:-")
_LONGEST_NAME: Final = 128
_NULLS: Final = frozenset(("null", "Null", "NULL"))


def read_plain_form(data: bytes) -> tuple[str, dict[str, Fields]] | None:
    """The current context, and the fields of each by name; None where the text may be in any other form."""
    try:
        current, top, *lines = data.decode("ascii").split("\n")
        if top != "contexts:" or lines.pop():  # the last line ends, too
            return None
        name, value = _pair(current)
        return (_plain(value), _contexts(lines)) if name == "context" else None
    except (UnicodeDecodeError, IndexError, ValueError):
        return None


def _contexts(lines: list[str]) -> dict[str, Fields]:
    """Raises ValueError where it is not the plain form."""
    contexts: dict[str, Fields] = {}
    fields: Fields | None = None
    items: list[str] | None = None
    for line in lines:
        body = line.lstrip(" ")
        match len(line) - len(body):
            case 4:
                name, value = _pair(body, contexts)
                _expect(not value)
                fields, items = contexts.setdefault(name, {}), None
            case 8 if fields is not None:
                name, value = _pair(body, fields)
                items = None
                if name in _LISTS and value in {"", "[]"}:
                    listed: list[str] = []
                    fields[name] = listed
                    items = None if value else listed
                else:
                    _expect(name in _TEXTS)
                    fields[name] = _plain(value)
            case 12 if items is not None:
                _expect(body.startswith("- "))
                items.append(_plain(body[2:]))
            case _:
                _expect(False)
    return contexts


def _pair(line: str, known: Container[str] = ()) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    _expect(bool(colon) and len(name) <= _LONGEST_NAME and name not in known and (not value or value[0] == " "))
    return _plain(name), value[1:]


def _plain(text: str) -> str:
    """A text that YAML takes for itself, whatever stands around it."""
    _expect(_PLAIN.issuperset(text) and text[:1].isalnum() and text[-1] != ":" and text not in _NULLS)
    return text


def _expect(condition: bool) -> None:
    if not condition:
        raise ValueError
