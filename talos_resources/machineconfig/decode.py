"""From YAML nodes to typed fields, as strictly as Talos does it.

The fields of a document are plain values: a struct is a dict of the keys that are present (in the order
of the text; writing puts them into the order of the table), a list is a list, an atom its canonical
value (see `schema.scalars`), what Talos does not look into is a free-form dict. A key with null is absent,
unless the table keeps null apart from nothing.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration decoder, over go.yaml.in/yaml v4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from talos_resources.codec.goyaml.nodes import Node, at, line_of
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.codec.goyaml.values import OLD_BOOLS, pairs_of, scalar, value_of
from talos_resources.codec.timetext import TimeText
from talos_resources.machineconfig.schema.scalars import SCALARS
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.model.errors import DecodeError
from talos_resources.releases import NEWEST, LoadRules

_ABSENT: Final = object()
"""A null where Go leaves the target as it was, or drops the item."""


def decode(kind: Struct, node: Node, *, source: str = "", name: str = "", rules: LoadRules = NEWEST.load) -> dict[str, Any]:
    """Reads a document.

    Args:
        kind: its type.
        node: its root, a mapping.
        source: a file name for errors.
        name: how errors name the document.
        rules: what differs between releases.

    Raises:
        DecodeError: with every fault of the document in `faults`: values of the wrong type, duplicate
            keys, and, when there are none of these, unknown keys; the first is the message.
    """
    reader = _Reader(source, rules)
    fields: dict[str, Any] = reader.struct(kind, node, ())
    faults, what = (reader.faults, "") if reader.faults else (reader.unknown, "unknown key")
    if faults:
        line, path, text = faults[0]
        listed = [(where, f"{at('', number)}: {reason}") for number, where, reason in faults]
        prefix = f"{name}: " if name else ""
        raise DecodeError(f"{prefix}{what}{text}", source=at(source, line), path=path, faults=listed)
    return fields


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, source: str, rules: LoadRules) -> None:
        self.faults: list[tuple[int, str, str]] = []
        self.unknown: list[tuple[int, str, str]] = []
        self._source = source
        self._rules = rules

    def value(self, kind: Type, node: Node, path: tuple[str, ...], *, pointer: bool = False) -> Any:
        """A value; None for null where null is a value, `_ABSENT` where it is nothing."""
        if node.is_null:
            return None if pointer or isinstance(kind, ListOf | MapOf) else _ABSENT
        return self._readers[type(kind)](self, kind, node, path)

    def struct(self, kind: Struct, node: Node, path: tuple[str, ...]) -> Any:
        if not self._is(node, "mapping", path):
            return _ABSENT
        fields: dict[str, Any] = {}
        for key, value in self._pairs(node, path, merges=False):
            field = kind.fields.get(key.text) if key.kind == "scalar" else None
            inner = (*path, key.text)
            if field is None:
                self.unknown.append((key.line, dotted(inner), ""))
                continue
            read = self.value(field.type, value, inner, pointer=field.pointer)
            if read is not _ABSENT and read is not None:
                fields[field.key] = read
        return fields

    def _list(self, kind: ListOf, node: Node, path: tuple[str, ...]) -> Any:
        if not self._is(node, "sequence", path):
            return _ABSENT
        items = [self.value(kind.item, item, (*path, f"[{i}]"), pointer=kind.pointers) for i, item in enumerate(node.value)]
        return [item for item in items if item is not _ABSENT]

    def _map(self, kind: MapOf, node: Node, path: tuple[str, ...]) -> Any:
        if not self._is(node, "mapping", path):
            return _ABSENT
        entries: dict[str, Any] = {}
        for key, value in self._text_keys(self._pairs(node, path), path):
            read = self.value(kind.item, value, (*path, key.text), pointer=kind.pointers)
            if read is _ABSENT and isinstance(kind.item, ArgValue):
                read = ""
            elif read is _ABSENT:
                read = SCALARS[kind.item.name].zero if isinstance(kind.item, Scalar) else {}
            entries[key.text] = read
        return entries

    def _free(self, _kind: FreeForm, node: Node, path: tuple[str, ...]) -> Any:
        if not self._is(node, "mapping", path):
            return _ABSENT
        try:  # the top is a map of text keys in Go, and takes them from the source
            pairs = [*self._text_keys(pairs_of(node, source=self._source), path)]
            return {key.text: value_of(value, source=self._source) for key, value in pairs}
        except DecodeError as error:
            self._fault(node, path, error.text, line=line_of(error))
            return _ABSENT

    def _text_keys(self, pairs: Iterable[tuple[Node, Node]], path: tuple[str, ...]) -> Iterator[tuple[Node, Node]]:
        """The pairs of a map whose keys are text: Talos drops what stands under null."""
        for key, value in pairs:
            if key.is_null:
                continue
            if not self._is(key, "scalar", path):
                continue
            try:
                self._text(key)
            except ValueError as error:
                self._fault(key, (*path, key.text), str(error))
                continue
            yield key, value

    def _atom(self, kind: Scalar, node: Node, path: tuple[str, ...]) -> Any:
        if not self._is(node, "scalar", path):
            return _ABSENT
        reading = SCALARS[kind.name]
        try:
            if reading.resolved == "bool":
                return self._bool(node)
            if reading.resolved == "int":
                return reading.read(str(self._integer(node)))
            if reading.number is not None and (number := self._unquoted_number(kind, node)) is not None:
                return reading.number(str(number))
            return reading.read(self._text(node))
        except DecodeError as error:
            self._fault(node, path, error.text)
        except ValueError as error:
            self._fault(node, path, str(error))
        return _ABSENT

    def _text(self, node: Node) -> str:
        if node.tag == "!!binary":
            return str(scalar(node, source=self._source))
        text: str = node.value
        if not self._rules.dates_are_text and node.is_plain and text[:1].isdigit() and isinstance(resolve(text), TimeText):
            raise ValueError(f"{_shown(node)} is a date to YAML where text belongs; put it in quotes")
        return text

    def _argument(self, _kind: ArgValue, node: Node, path: tuple[str, ...]) -> Any:
        """A text, or a list of texts; null is the empty text."""
        if node.kind == "mapping":
            self._fault(node, path, "an argument is a text or a list of texts")
            return _ABSENT
        if node.kind == "scalar":
            return "" if node.is_null else self._atom(_TEXT, node, path)
        texts = [self._argument(_kind, item, path) if item.kind == "scalar" else self._refused(item, path) for item in node.items]
        return ["" if item is _ABSENT else item for item in texts]

    def _refused(self, node: Node, path: tuple[str, ...]) -> Any:
        self._fault(node, path, "a list of texts cannot hold collections")
        return _ABSENT

    def _bool(self, node: Node) -> bool:
        value = scalar(node, source=self._source)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in OLD_BOOLS:
            return OLD_BOOLS[value]
        raise ValueError(f"{_shown(node)} is not a boolean (true or false)")

    def _unquoted_number(self, kind: Scalar, node: Node) -> int | None:
        """What the scalar resolves to, if that is a whole number to the release."""
        value = scalar(node, source=self._source)
        if kind.name == "time.Duration" and isinstance(value, int | float) and not self._rules.zero_durations:
            raise ValueError(f"{_shown(node)} is no duration without a unit")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return self._integer(node)

    def _integer(self, node: Node) -> int:
        value = scalar(node, source=self._source)
        if isinstance(value, float) and abs(value) < 1 << 64 and (self._rules.cuts_fractions or value.is_integer()):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            hint = "; a number in quotes is text" if node.style else ""
            raise ValueError(f"{_shown(node)} is not an integer{hint}")  # noqa: TRY004 - a fault of the text
        return value

    def _pairs(self, node: Node, path: tuple[str, ...], *, merges: bool = True) -> list[tuple[Node, Node]]:
        """The pairs of a mapping; a section takes no merge key, and a map none of a list."""
        for key, value in node.pairs:
            if key.is_plain and key.value == "<<" and (not merges or value.kind == "sequence"):
                self._fault(key, (*path, "<<"), "a merge key of a list is refused" if merges else "a merge key is refused in a section")
                return []
        try:
            return list(pairs_of(node, source=self._source))
        except DecodeError as error:
            self._fault(node, path, error.text, line=line_of(error))
            return []

    def _is(self, node: Node, wanted: str, path: tuple[str, ...]) -> bool:
        if node.kind == wanted:
            return True
        self._fault(node, path, f"{_ARTICLES[node.kind]} stands where {_ARTICLES[wanted]} belongs")
        return False

    def _fault(self, node: Node, path: tuple[str, ...], text: str, *, line: int = 0) -> None:
        self.faults.append((line or node.line, dotted(path), text))

    _readers: Final[dict[type, Callable[..., Any]]] = {
        Struct: struct,
        ListOf: _list,
        MapOf: _map,
        FreeForm: _free,
        Scalar: _atom,
        ArgValue: _argument,
    }


_TEXT: Final = Scalar("string")


_ARTICLES: Final = {"scalar": "a scalar", "sequence": "a list", "mapping": "a mapping"}


def _shown(node: Node) -> str:
    text = node.text[:40]
    return f'"{text}"' if node.style else text


def dotted(path: tuple[str, ...]) -> str:
    """A path as people write it: `machine.network.interfaces[0].mtu`."""
    return ".".join(path).replace(".[", "[")
