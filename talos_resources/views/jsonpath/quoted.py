"""Quoted text in JSONPath templates, with Go's escapes."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
_SIMPLE: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}


def unquote(quoted: str) -> str:
    r"""The text that stands between a pair of equal quotes, its escapes replaced.

    `\xhh` and `\ooo` are bytes of UTF-8, `\uhhhh` and `\Uhhhhhhhh` are code points; a quote of the other
    sort needs no escape and may not have one. Source: Go's strconv.UnquoteChar.

    Raises:
        ValueError: an escape that Go does not know.
    """
    quote, body = quoted[0], quoted[1:-1]
    if "\\" not in body:
        return body
    result = bytearray()
    end = 0
    for match in _ESCAPE.finditer(body):
        result += body[end : match.start()].encode("utf-8", "surrogatepass")
        result += _unescape(match, quote)
        end = match.end()
    result += body[end:].encode("utf-8", "surrogatepass")
    return result.decode("utf-8", "replace")


def _unescape(match: re.Match[str], quote: str) -> bytes:
    simple, hexadecimal, octal, short, long, _ = match.groups()
    if simple is not None and (simple not in "'\"" or simple == quote):
        return bytes([_SIMPLE[simple]])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if octal is not None and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    point = short or long
    if point is not None and (number := int(point, 16)) <= 0x10FFFF and not 0xD800 <= number < 0xE000:
        return chr(number).encode()
    raise ValueError(f"unknown escape {match[0]}")
