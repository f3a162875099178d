"""Resources in an order that somebody asks for: `get --sort-by`.

By a JSONPath expression, as kubectl has it, or by the heading of a column. Values are compared as what they all are:
numbers, moments, durations, sizes, addresses, and else texts in natural order; what has no value comes last, and
equals stay as they were.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from talos_resources.codec.shown import shown as plain_of
from talos_resources.model.duration import Duration
from talos_resources.model.errors import QueryError
from talos_resources.model.kind import Kind
from talos_resources.model.near import did_you_mean
from talos_resources.model.order import natural
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.views import jsonpath
from talos_resources.views.jsonpath.relaxed import relaxed, results
from talos_resources.views.jsonpath.text import value_text

S = TypeVar("S")

Row = tuple[str, Resource[S]]
"""A node and a resource of it."""

_LEADING: Final = {"NODE": "node", "ID": "metadata.id", "VERSION": "metadata.version", "NAMESPACE": "metadata.namespace"}
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SIZE: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[kKMGTPE]?)(?P<binary>i?)B")
_POWERS: Final = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_PORT: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[\d.]+)):(?P<port>\d{1,5})")


class Order:
    """An order of resources; `parse` makes it."""

    def __init__(self, text: str, expression: jsonpath.Path | None) -> None:
        """Takes what was asked for, and how it reads as an expression; None where it is none."""
        self._text = text
        self._expression = expression

    @classmethod
    def parse(cls, text: str) -> Order:
        """Reads what `--sort-by` says: `.spec.mtu`, `{.spec.mtu}`, `spec.mtu`, or the heading of a column.

        Raises:
            QueryError: it is an expression that cannot be understood.
        """
        try:
            return cls(text, relaxed(text))
        except QueryError as error:
            if not text or text[0] in ".{":
                raise QueryError(f"cannot sort by {text!r}: {error}") from error
            return cls(text, None)

    def rows(self, kind: Kind[S], rows: Iterable[Row[S]]) -> list[Row[S]]:
        """The rows of one kind in this order.

        Raises:
            QueryError: there are rows, but none has such a value; or neither a column nor an expression is meant.
        """
        value_of = self._value_of(kind)
        found = [(value_of(node, resource), (node, resource)) for node, resource in rows]
        there = [(value, row) for value, row in found if value is not None]
        if found and not there:
            raise QueryError(f"cannot sort {kind.display_type} by {self._text!r}: none has such a field; {_columns(kind, self._text)}")
        key = _key([value for value, _ in there])
        there.sort(key=lambda pair: key(pair[0]))
        return [row for _, row in there] + [row for value, row in found if value is None]

    def _value_of(self, kind: Kind[Any]) -> Callable[[str, Resource[Any]], Any]:
        heading = self._text.upper()
        for column in kind.columns:
            if column.name.upper() == heading:
                path = jsonpath.compile(column.path)
                return lambda _node, resource: _found(path, plain_of(resource)["spec"])
        expression = relaxed(_LEADING[heading]) if heading in _LEADING else self._expression
        if expression is None:
            raise QueryError(
                f"cannot sort {kind.display_type} by {self._text!r}: no column and no expression; {_columns(kind, self._text)}"
            )
        return lambda node, resource: _found(expression, {**plain_of(resource), "node": node})


def _columns(kind: Kind[Any], text: str) -> str:
    names = ["ID", "VERSION", *(column.name.upper() for column in kind.columns)]
    return f"the columns are {', '.join(names)}; an expression looks like .spec.name{did_you_mean(text, names)}"


def _found(path: jsonpath.Path, plain: Any) -> Any:
    """The value; the whole text where the template has several parts; None for nothing, which an empty text is too."""
    found = results(path, plain)
    value = found[0] if len(found) == 1 else " ".join(value_text(part, indent=None, null="") for part in found)
    return None if value == "" else value


def _key(values: Sequence[Any]) -> Callable[[Any], Any]:
    """How to compare: by the first way that reads all values."""
    for read in _READERS:
        try:
            for value in values:
                read(value)
        except ValueError:
            continue
        return read
    return lambda value: natural(value if isinstance(value, str) else value_text(value, indent=None, null=""))


def _number(value: Any) -> int | float:
    if isinstance(value, str) and len(value) < 100 and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):  # a NaN has no place in an order
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - one error for what is read in no way
    return value


def _size(value: Any) -> float:
    """Bytes, as Talos writes them for people: `34 GB`, `1.5 MiB`."""
    match = _SIZE.fullmatch(_text(value))
    if match is None:
        raise ValueError(value)
    return float(match["number"]) * float((1024 if match["binary"] else 1000) ** _POWERS[match["unit"]])


def _address(value: Any) -> tuple[int, int, int, str]:
    """An address, a prefix or an endpoint: version, address, prefix length or port, zone."""
    text = _text(value)
    if (match := _PORT.fullmatch(text)) is not None:
        text, last = match["six"] or match["four"], int(match["port"])
    else:
        text, _, length = text.partition("/")
        last = int(length) if length else -1
    address = ipaddress.ip_address(text)
    return address.version, int(address), last, getattr(address, "scope_id", None) or ""


_READERS: Final[tuple[Callable[[Any], Any], ...]] = (
    _number,
    lambda value: Timestamp.parse(_text(value)),
    lambda value: Duration.parse(_text(value)).nanoseconds,
    _size,
    _address,
)
