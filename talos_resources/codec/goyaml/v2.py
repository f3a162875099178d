"""Writes YAML as Go's yaml.v2 does: indent 2, lists at the column of their parent, folded at 80 columns.

This is what talosctl's JSON patches end in. A text with a Unicode line separator is double quoted, where
Go breaks the line and writes what cannot be read back; so is the key `<<`, which Go leaves plain.

Source: sigs.k8s.io/yaml's yaml.v2; recorded output of talosctl v1.12.3.
"""

from __future__ import annotations

import re
from typing import Any, Final

from talos_resources.codec.goyaml.emit import double_quoted, single_quoted
from talos_resources.codec.goyaml.floats import float_text
from talos_resources.codec.goyaml.keys import natural_key_v2
from talos_resources.codec.goyaml.resolve import reads_as_text

_INDENT: Final = 2
_WIDTH: Final = 80
_LONGEST_SIMPLE_KEY: Final = 128

_SPECIAL: Final = re.compile("[^\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd]")
_NOT_PLAIN: Final = re.compile(
    r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`\ ]|[?:-](?:\ |\Z)"  # at the start
    r"|(?s:.)*?(?::(?:\ |\Z)|\ \#|\ \Z)"  # anywhere
)


def dump(value: Any) -> str:
    """A document, with a newline at its end; the keys of every mapping are sorted in Go's order.

    Args:
        value: of None, bool, int, float, str, dict (with text keys) and list.
    """
    out: list[str] = []
    _write(out, value, column=0, indent=-_INDENT, fresh=True)
    return "".join(out) + "\n"


def _write(out: list[str], value: Any, *, column: int, indent: int, fresh: bool) -> None:
    """Writes a value, without the last newline.

    Args:
        out: where to.
        value: what.
        column: where the line has got to.
        indent: the column of the collection that holds the value.
        fresh: nothing but indentation and dashes are on the line, so that a collection may begin on it.
    """
    if isinstance(value, dict) and value:
        _write_mapping(out, value, indent + _INDENT, fresh=fresh)
    elif isinstance(value, list) and value:
        _write_list(out, value, indent + _INDENT if fresh else indent, fresh=fresh)
    else:
        out.append(_leaf(value, column=column, indent=max(indent, 0) + _INDENT))


def _write_list(out: list[str], items: list[Any], column: int, *, fresh: bool) -> None:
    lead = "" if fresh else "\n" + " " * column
    for item in items:
        out += (lead, "- ")
        _write(out, item, column=column + 2, indent=column, fresh=True)
        lead = "\n" + " " * column


def _write_mapping(out: list[str], mapping: dict[str, Any], column: int, *, fresh: bool) -> None:
    lead = "" if fresh else "\n" + " " * column
    for key in sorted(mapping, key=natural_key_v2):
        out.append(lead)
        lead = "\n" + " " * column
        item = mapping[key]
        if "\n" not in key and len(key.encode()) <= _LONGEST_SIMPLE_KEY and not _breaks(key):
            text = _on_one_line(key)
            out.append(f"{text}:")
            if not (isinstance(item, dict | list) and item):
                out.append(" ")
            _write(out, item, column=column + len(text) + 2, indent=column, fresh=False)
        else:
            out.append(f"? {_text(key, column=column + 2, indent=column + _INDENT)}{lead}: ")
            _write(out, item, column=column + 2, indent=column, fresh=True)


def _breaks(key: str) -> bool:
    """Whether Go takes the key for one of several lines."""
    return any(mark in key for mark in "\r\x85\u2028\u2029")


def _leaf(value: Any, *, column: int, indent: int) -> str:
    if isinstance(value, str):
        return _text(value, column=column, indent=indent)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return str(value)


def _text(text: str, *, column: int, indent: int) -> str:
    if "\n" in text:
        return _literal(text, indent) if _block_allowed(text) else _fold_double(double_quoted(text), column, indent)
    if not _reads_as_text(text) or _SPECIAL.search(text) or _breaks(text):
        return _fold_double(double_quoted(text), column, indent)
    if not _NOT_PLAIN.match(text):
        return _fold(text, column, indent)
    return "'" + _fold(text.replace("'", "''"), column + 1, indent, quoted=True) + "'"


def _reads_as_text(text: str) -> bool:
    """Whether yaml.v2 reads the value as itself without quotes; it sees a merge in `<<` only where that is a key."""
    return text == "<<" or reads_as_text(text)


def _on_one_line(key: str) -> str:
    """A simple key: never folded. `<<` is quoted, where Go writes what reads back as a merge of mappings."""
    if not reads_as_text(key) or _SPECIAL.search(key):
        return double_quoted(key)
    return single_quoted(key) if _NOT_PLAIN.match(key) else key


def _block_allowed(text: str) -> bool:
    return not text.endswith(" ") and " \n" not in text and _SPECIAL.search(text) is None


def _literal(text: str, indent: int) -> str:
    hint = str(_INDENT) if text[0] in " \n" else ""
    kept = "" if text.endswith("\n") else "-"
    if text == "\n" or text.endswith("\n\n"):
        kept = "+"
    lines = text.removesuffix("\n").split("\n")
    blanks = " " * indent
    return "\n".join([f"|{hint}{kept}", *(blanks + line if line else "" for line in lines)])


def _fold(text: str, column: int, indent: int, *, quoted: bool = False) -> str:
    """Breaks the line at single blanks once it is past the width; quoted text keeps its outer blanks."""
    if column + len(text) <= _WIDTH:
        return text
    pieces: list[str] = []
    start = 0
    for match in re.finditer(r"(?<! ) (?! )", text):
        at = match.start()
        if quoted and not 0 < at < len(text) - 1:
            continue
        if column + at - start > _WIDTH:
            pieces.append(text[start:at])
            start, column = at + 1, indent
    return ("\n" + " " * indent).join([*pieces, text[start:]])


def _fold_double(quoted: str, column: int, indent: int) -> str:
    """Folds a double-quoted text; a blank that would begin a line is escaped."""
    if column + len(quoted) <= _WIDTH:
        return quoted
    body = quoted[1:-1]
    pieces: list[str] = []
    start, column, lead = 0, column + 1, ""
    for match in re.finditer(r"(?<! ) ", body):
        at = match.start()
        if 0 < at < len(body) - 1 and column + at - start > _WIDTH:
            pieces.append(lead + body[start:at])
            start = at + 1
            lead = "\\" if body[start] == " " else ""
            column = indent + len(lead)
    return '"' + ("\n" + " " * indent).join([*pieces, lead + body[start:]]) + '"'
