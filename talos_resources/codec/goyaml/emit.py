"""Writes YAML exactly as Go's yaml.v3 and v4 do: indent 4, lists indented too, nothing folded.

Some output of Go cannot be read back, and differs here: the indentation that a literal block declares is
the real one (inside lists Go's is not, and before a leading tab Go forgets to declare it), and lines of
which the last ends in a Unicode line separator are double quoted.

Source: go.yaml.in/yaml v3 and v4; recorded output of talosctl v1.12.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from talos_resources.codec.goyaml.floats import float_text
from talos_resources.codec.goyaml.fold import folded
from talos_resources.codec.goyaml.resolve import OLD_WORDS, WORDS, is_old_number, reads_as_text
from talos_resources.codec.timetext import TimeText

if TYPE_CHECKING:
    from talos_resources.releases import YamlStyle

_INDENT: Final = 4
# Texts that can be nothing but themselves; decided by one match because nearly all are of this form.
_LETTER_FIRST: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./+=@-]*(?::[A-Za-z0-9_./+=@-]+)*\Z")
_DIGIT_FIRST: Final = re.compile(r"(?=[A-Za-z0-9_./+=@-]*[G-NP-SU-WYg-np-su-wy])[0-9][A-Za-z0-9_./+=@-]*\Z")
# What YAML does not print as it is; what is not in here is printable. Patterns that few texts need are compiled at first use.
_UNPRINTABLE: Final = r"\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\U00010000-\U0010ffff"
_SPECIAL: Final = rf"[\x00-\x08\x0b-\x1f{_UNPRINTABLE}]"
_ESCAPED: Final = rf'[\x00-\x1f"\\\u2028\u2029{_UNPRINTABLE}]'
_BREAK: Final = "[\\n\\r\\x85\\u2028\\u2029]"
_SEPARATORS: Final = frozenset("\u2028\u2029")  # they end a line for YAML, but stay what they are
_SPACED_BREAK: Final = "\x20[\n\u2028\u2029]"
_SPACED_SEPARATOR: Final = "\x20[\u2028\u2029]|[\u2028\u2029]\x20"
# A line break and then, perhaps after more of them, an indented line: without a digit that cannot be read.
_INDENTED_START: Final = "[\n\u2028\u2029]*[\x20\t]"
_LINE_START: Final = "(?<=[\n\u2028\u2029])(?=[^\n\u2028\u2029])"
_NOT_PLAIN: Final = (
    r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`\ ]|[?:-](?:\ |\Z)"  # at the start
    r"|(?s:.)*?(?::(?:\ |\Z)|\ \#|[\t\n]|\ \Z)"  # anywhere
)
_NAMES: Final = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e", '"': '"', "\\": "\\",
    "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


class _Look(NamedTuple):
    """How scalars are written: in the style of a release, lines folded at a width or not at all."""

    style: YamlStyle | None = None
    width: int | None = None


class Written(str):
    """A scalar that is in its final form already, on one line."""

    __slots__ = ()


class ComplexKey(Written):
    """One whose text is not that of a simple key, whatever it looks like now."""

    __slots__ = ()


def scalar(text: str, style: YamlStyle | None = None) -> str:
    """The text on one line: plain where that reads back as the same text, else in quotes."""
    if _LETTER_FIRST.match(text):
        return _clashing(text, style) if text in WORDS else text
    if _DIGIT_FIRST.match(text):
        return text
    if not reads_as_text(text):
        return _clashing(text, style)
    return verbatim(text)


def _clashing(text: str, style: YamlStyle | None) -> str:
    """A text that would be something else without quotes, at least to an older YAML."""
    if style is not None and (text in OLD_WORDS or is_old_number(text)):
        return f"{style.quote_old_words}{text}{style.quote_old_words}"
    return double_quoted(text)


def verbatim(text: str) -> str:
    """The text on one line, plain where YAML's syntax allows it, whatever it will be taken for."""
    plain = text != "" and text.isascii() and text.isprintable()
    if not plain and (not text or "\n" in text or "\t" in text or re.search(_SPECIAL, text) or not _SEPARATORS.isdisjoint(text)):
        return double_quoted(text)
    return single_quoted(text) if re.match(_NOT_PLAIN, text) else text


def single_quoted(text: str) -> str:
    """The text in single quotes; it must be printable and of one line."""
    return "'" + text.replace("'", "''") + "'"


def double_quoted(text: str) -> str:
    """The text in double quotes, with Go's escapes."""
    # Go takes every character of a text that starts with a byte order mark for one.
    return f'"{"".join(map(_escape, text))}"' if text.startswith("\ufeff") else f'"{re.sub(_ESCAPED, _escape_match, text)}"'


def _escape_match(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(character: str) -> str:
    name = _NAMES.get(character)
    if name is not None:
        return f"\\{name}"
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def is_simple_key(text: str) -> bool:
    """Whether Go writes the text as a key in front of a colon: up to 128 bytes without what YAML 1.1 calls a line break."""
    return (text.isprintable() or re.search(_BREAK, text) is None) and len(text.encode(errors="surrogatepass")) <= 128


def needs_block(text: str) -> bool:
    """Whether Go writes the text as a literal block: several lines, and nothing that a block cannot hold."""
    return (
        "\n" in text
        and len(text) > 1
        and not text.isspace()
        and text[-1] not in " \u2028\u2029"
        and re.search(_SPACED_BREAK, text) is None
        and re.search(_SPECIAL, text) is None
    )


def literal(text: str, *, indent: int, parent: int, style: YamlStyle | None = None) -> str:
    """A literal block, header and lines, without a newline at its end.

    Args:
        text: for which `needs_block` is true.
        indent: the column of its lines.
        parent: the column of the collection that holds it, or what stands for it at the top of a
            document: 0.
        style: of the release that writes it; None for the oldest.
    """
    # The newer releases leave the digit out before every line break, also where it is needed; we do not.
    old = style is None or style.hint_before_break
    hinted = text[0] in " \n\t\u2028\u2029" if old else re.match(_INDENTED_START, text) is not None
    hint = str(indent - parent) if hinted else ""
    chomp = "-" if text[-1] != "\n" else "+" if text[-2] in "\n\u2028\u2029" else ""
    blanks = " " * indent
    lead = "" if re.match(_BREAK, text) else blanks
    return f"|{hint}{chomp}\n{lead}{re.sub(_LINE_START, blanks, text.removesuffix(chr(10)))}"


def _separated(text: str, indent: int) -> str:
    """A text of one line with line separators in it, whose parts Go indents."""
    if "\t" in text or re.search(_SPECIAL, text) or re.search(_SPACED_SEPARATOR, text):
        return double_quoted(text)
    return f"'{re.sub(_LINE_START, ' ' * indent, text.replace(chr(39), chr(39) * 2))}'"


def deeper(column: int) -> int:
    """The column of what is nested in a mapping at `column`: the next multiple of four."""
    return (column // _INDENT + 1) * _INDENT


def dump(value: Any, *, indent: int = 0, style: YamlStyle | None = None, width: int | None = None) -> str:
    r"""A document, with a newline at its end.

    Args:
        value: of None, bool, int, float, str, `TimeText`, mappings and sequences; keys in their order.
        indent: the column of the whole document, a multiple of four; it is taken to hang below a key
            four columns to the left.
        style: of the release that writes it; None for the oldest.
        width: after which plain and quoted scalars are broken at a blank; None for never.

    Raises:
        TypeError: the value holds something else.
    """
    out: list[str] = []
    look = _Look(style, width)
    if _is_nested(value):
        _write_nested(out, value, indent, look, at_line_start=True)
        out.append("\n")
    else:
        text = leaf(value, indent=indent + _INDENT, parent=max(0, indent - _INDENT), style=style)
        if width is not None:
            text = folded(text, start=indent, indent=indent + _INDENT, width=width)
        out += (" " * indent, text, "\n")
    return "".join(out)


def dump_entry(value: Any, *, key: str = "", column: int = 0, style: YamlStyle | None = None, width: int | None = None) -> str:
    r"""What follows the colon of a key at a column: ` text\n`, or a collection on its own lines.

    Args:
        value: see `dump`.
        key: as it is written; its length matters where lines are folded.
        column: of the key.
        style: see `dump`.
        width: see `dump`.
    """
    out: list[str] = []
    _write_value(out, value, column, column + len(key) + 2, _Look(style, width))
    out.append("\n")
    return "".join(out)


def _is_nested(value: Any) -> bool:
    return bool(value) and isinstance(value, (dict, list, tuple, Mapping))


def _write_nested(out: list[str], value: Any, column: int, look: _Look, *, at_line_start: bool) -> None:
    """Writes a collection whose entries start at `column`, without the last newline.

    The first entry goes on the current line, which is either empty or already at the column.
    """
    start = " " * column
    lead = start if at_line_start else ""
    if isinstance(value, Mapping):
        for key, item in value.items():
            out.append(lead)
            _write_entry(out, key, item, column, look)
            lead = f"\n{start}"
        return
    inner = column + 2
    for item in value:
        out += (lead, "- ")
        if _is_nested(item):
            _write_nested(out, item, inner, look, at_line_start=False)
        else:
            text = leaf(item, indent=inner, parent=column, style=look.style)
            out.append(text if look.width is None else folded(text, start=inner, indent=inner, width=look.width))
        lead = f"\n{start}"


def _write_entry(out: list[str], key: Any, item: Any, column: int, look: _Look) -> None:
    simple = not isinstance(key, ComplexKey) if isinstance(key, Written) else not isinstance(key, str) or is_simple_key(key)
    style = look.style
    name = scalar(key, style) if simple and type(key) is str else leaf(key, indent=deeper(column), parent=column, style=style)
    if simple:
        out.append(f"{name}:")
        _write_value(out, item, column, column + len(name) + 2, look)
        return
    shown = name if look.width is None else folded(name, start=column + 2, indent=deeper(column), width=look.width)
    out.append(f"? {shown}\n{' ' * column}:")
    if _is_nested(item):
        inner = deeper(column)
        out.append(" " * (inner - column - 1))
        _write_nested(out, item, inner, look, at_line_start=False)
    else:
        _write_value(out, item, column, column + 2, look)


def _write_value(out: list[str], item: Any, column: int, start: int, look: _Look) -> None:
    """Writes what follows the colon of a key at `column`; a scalar begins at `start`."""
    inner = deeper(column)
    if _is_nested(item):
        out.append("\n")
        _write_nested(out, item, inner, look, at_line_start=True)
    elif text := leaf(item, indent=inner, parent=column, style=look.style):
        out += (" ", text if look.width is None else folded(text, start=start, indent=inner, width=look.width))


def leaf(value: Any, *, indent: int, parent: int, style: YamlStyle | None = None) -> str:
    """Anything that is no collection with entries.

    Args:
        value: the scalar or the empty collection.
        indent: the column of further lines, should it need some.
        parent: see `literal`.
        style: of the release that writes it; None for the oldest.

    Raises:
        TypeError: YAML cannot hold it.
    """
    if type(value) is str:
        if not value.isascii() and "\n" not in value and not _SEPARATORS.isdisjoint(value):
            return _separated(value, indent)
        block = "\n" in value and needs_block(value)
        return literal(value, indent=indent, parent=parent, style=style) if block else scalar(value, style)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, (TimeText, Written)):
        return str(value)
    if isinstance(value, str):
        return leaf(str(value), indent=indent, parent=parent, style=style)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    msg = f"YAML cannot hold a {type(value).__name__}"
    raise TypeError(msg)
