"""JSON as Go's encoding/json writes it, and a strict reader.

Source: Go's encoding/json: keys sorted, HTML characters and line separators escaped, floats by the
rules of ECMAScript.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted
from typing import Any, Final

from talos_resources.model.errors import DecodeError

_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")
_MAY_BE_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_HALF: Final = re.compile("[\ud800-\udfff]")


def dumps(value: Any, *, indent: int | None = 4, sort_keys: bool = True) -> str:
    """The text of a value, without a newline at its end.

    Args:
        value: of None, bool, int, float, str, mappings and sequences.
        indent: blanks per level; None for one line without any blanks.
        sort_keys: by code point, as Go does with its maps.

    Raises:
        TypeError: the value holds something else, or a NaN or infinity.
    """
    out: list[str] = []
    _write(out, value, "" if indent is None else "\n", " " * (indent or 0), sort_keys=sort_keys)
    return _html_escaped("".join(out))


def string(text: str) -> str:
    """The text as a JSON string."""
    return _html_escaped(_quoted(text))


def _html_escaped(document: str) -> str:
    # These characters only ever occur inside strings.
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def _write(out: list[str], value: Any, line: str, step: str, *, sort_keys: bool) -> None:
    """Appends the value; `line` is the line break with its indentation, empty for compact output."""
    if isinstance(value, str):
        out.append(_quoted(value))
    elif value is True:
        out.append("true")
    elif value is False:
        out.append("false")
    elif value is None:
        out.append("null")
    elif isinstance(value, int):
        out.append(int.__repr__(value))
    elif isinstance(value, float):
        out.append(_float(value))
    elif isinstance(value, Mapping):
        _write_mapping(out, value, line, step, sort_keys=sort_keys)
    elif isinstance(value, (list, tuple)):
        if not value:
            out.append("[]")
            return
        inner = line + step
        lead = "[" + inner
        for item in value:
            out.append(lead)
            _write(out, item, inner, step, sort_keys=sort_keys)
            lead = "," + inner
        out.append(line + "]")
    else:
        raise TypeError(f"JSON cannot hold a {type(value).__name__}")


def _write_mapping(out: list[str], value: Mapping[Any, Any], line: str, step: str, *, sort_keys: bool) -> None:
    if not value:
        out.append("{}")
        return
    inner = line + step
    lead = "{" + inner
    colon = ": " if line else ":"
    items = [(key if type(key) is str else _key(key), item) for key, item in value.items()]
    if sort_keys:
        items.sort(key=_first)
    for key, item in items:
        out += (lead, _quoted(key), colon)
        if type(item) is str:
            out.append(_quoted(item))
        else:
            _write(out, item, inner, step, sort_keys=sort_keys)
        lead = "," + inner
    out.append(line + "}")


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, (bool, int, float)) or key is None:
        out: list[str] = []
        _write(out, key, "", "", sort_keys=False)
        return out[0]
    raise TypeError(f"JSON cannot have a {type(key).__name__} as a key")


def _float(value: float) -> str:
    """A float by ECMAScript's rules: an exponent below 1e-6 and from 1e21 on."""
    if not math.isfinite(value):
        raise TypeError("JSON cannot hold NaN or an infinity")
    if value.is_integer() and abs(value) < 1e21:
        return f"{value:.0f}"
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if 1e-6 <= abs(value) < 1e21:
        if not e:
            return text
        digits = mantissa.lstrip("-").replace(".", "")
        return f"{'-' if value < 0 else ''}0.{'0' * (-int(exponent) - 1)}{digits}"
    return f"{mantissa}e{int(exponent):+d}"


def loads(data: bytes | str, *, source: str = "") -> Any:
    """Reads one JSON document.

    Args:
        data: UTF-8 if bytes.
        source: a file name for errors.

    Raises:
        DecodeError: no JSON (NaN and infinities are none), a key that is there twice, half of a character, or
            nesting beyond what the interpreter can follow; `source` has the line.
    """

    def no_constant(name: str) -> Any:
        raise DecodeError(f"{name} is no JSON number", source=source)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise DecodeError(f"key {twice!r} is there twice", source=source)
        return made

    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=no_constant, object_pairs_hook=unique)
        refuse_halves(value, text, source=source)
    except json.JSONDecodeError as error:
        where = f"{source}:{error.lineno}" if source else f"line {error.lineno}"
        raise DecodeError(f"not JSON: {error.msg}", source=where) from None
    except UnicodeDecodeError as error:
        raise DecodeError(f"byte 0x{error.object[error.start]:02x} is not valid UTF-8", source=source) from None
    except RecursionError:
        raise DecodeError("nested too deeply", source=source) from None
    except ValueError as error:  # an integer of thousands of digits
        raise DecodeError(f"not JSON: {error}", source=source) from None
    else:
        return value


def refuse_halves(value: Any, text: str, *, source: str) -> None:
    """Refuses escapes that are halves of characters, which no text can hold.

    Args:
        value: what was read.
        text: of it, or more.
        source: a file name for errors.

    Raises:
        DecodeError: there is one.
        RecursionError: it is nested too deeply to be looked at.
    """
    if _MAY_BE_HALF.search(text):
        half = _HALF.search(json.dumps(value, ensure_ascii=False))
        if half is not None:
            raise DecodeError(f"an escape, \\u{ord(half[0]):04x}, that is half of a character", source=source)
