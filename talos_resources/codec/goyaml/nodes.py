"""YAML text as a tree of nodes that still know their tag, style, line and place in the text.

libyaml (0.2.5, through PyYAML's events) does the parsing: Go's YAML libraries are ports of it, so what is
accepted and how scalars are folded is the same. (The one in ruamel.yaml.clib is 0.1.7, which refuses
`[https://a.b]`, and a parser in Python would take minutes for a hostile text.) Composing is a loop and
not a recursion, aliases share the node that they name, and nesting is bounded, so that the cost is
linear in the size of the text.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final, Literal

from talos_resources.model.errors import DecodeError

MAX_DEPTH: Final = 200
"""Deeper nesting is refused, through aliases too; recursive readers of the tree rely on it."""

MAX_SHARED: Final = 200_000
"""How many nodes the aliases of a document may add to it before it counts as an attack."""

_LONG_TAG: Final = "tag:yaml.org,2002:"


class Node:
    """One scalar, sequence or mapping.

    Attributes:
        kind: which of the three.
        tag: the explicit tag in its short form (`!!str`, `!local`), empty if none is written.
        value: the text of a scalar, the items of a sequence, the (key, value) pairs of a mapping in order.
        style: of a scalar `''` (plain), `'` `"` `|` `>`; of a collection `{` (flow) or `''` (block).
        line: 1-based line where it starts.
        start: offset of its first character in the text.
        end: offset after its last character; for a block collection where the parser noticed its end.
        aliases: how often it is used again through its anchor.
        height: how deep it nests, 1 for a scalar.
        size: of how many nodes it consists, with aliases counted as what they name.
    """

    __slots__ = ("aliases", "column", "end", "height", "kind", "line", "size", "start", "style", "tag", "value")

    kind: Literal["scalar", "sequence", "mapping"]
    value: Any

    def __init__(self, kind: Literal["scalar", "sequence", "mapping"], event: Any, *, value: Any, style: str) -> None:
        tag, start = event.tag, event.start_mark
        self.kind = kind
        self.tag: str = "" if tag is None else str(tag).replace(_LONG_TAG, "!!", 1)
        self.value = value
        self.style = style
        self.line: int = start.line + 1
        self.column: int = start.column
        self.start: int = start.index
        self.end: int = event.end_mark.index
        self.aliases = 0
        self.height = 1
        self.size = 1

    @property
    def text(self) -> str:
        """The text of a scalar; empty for the others."""
        return self.value if self.kind == "scalar" else ""

    @property
    def items(self) -> list[Node]:
        """The items of a sequence; empty for the others."""
        return self.value if self.kind == "sequence" else []

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        """The pairs of a mapping; empty for the others."""
        return self.value if self.kind == "mapping" else []

    @property
    def is_plain(self) -> bool:
        """Whether it is a scalar without quotes, block header or tag: the only ones that are resolved."""
        return self.kind == "scalar" and not self.style and not self.tag

    @property
    def is_null(self) -> bool:
        """Whether it resolves to null."""
        return (self.is_plain and self.value in _NULLS) or (self.kind == "scalar" and self.tag == "!!null")

    def with_value(self, value: Any) -> Node:
        """The node with another value; itself it is not changed."""
        node = copy.copy(self)
        node.value = value
        return node

    def get(self, key: str) -> Node | None:
        """The value of the first pair of a mapping whose key is a scalar of this text."""
        return next((value for name, value in self.pairs if name.kind == "scalar" and name.value == key), None)


# libyaml reads ahead of its events; a newer one gives up in these words before it has told of a deep level.
_SCANNER_TOO_DEEP: Final = "exceeded maximum nesting depth"

_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))


def to_text(data: bytes | str, *, source: str = "") -> str:
    """Decodes what a YAML reader accepts: UTF-8, or UTF-16 with a byte order mark; the mark is cut.

    Raises:
        DecodeError: with the line of the first byte that is no UTF-8, or of a character that no text has.
    """
    if isinstance(data, str):
        text = data
        try:
            text.encode()
        except UnicodeEncodeError as error:
            line = text.count("\n", 0, error.start) + 1
            raise DecodeError("a character that is not valid UTF-8", source=at(source, line)) from None
    elif data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DecodeError("not valid UTF-16, although it begins with its byte order mark", source=source) from error
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise DecodeError(f"byte 0x{data[error.start]:02x} is not valid UTF-8", source=at(source, line)) from None
    return text.removeprefix("\ufeff")


def at(source: str, line: int) -> str:
    """Where a fault is: `file:line`, or `line N` for a text without a name."""
    return f"{source}:{line}" if source else f"line {line}"


def line_of(error: DecodeError) -> int:
    """The line that `at` put into the error; 0 if there is none."""
    digits = error.source.replace(" ", ":").rpartition(":")[2]
    return int(digits) if digits.isdecimal() else 0


def compose_all(data: bytes | str, *, source: str = "") -> list[Node]:
    """Reads every document of a text; one without content is a null scalar.

    Args:
        data: the text; offsets in the nodes count the characters of `to_text(data)`.
        source: a file name for errors.

    Raises:
        DecodeError: where the text is no YAML, nests deeper than `MAX_DEPTH`, or an alias names nothing
            or its own ancestor, or aliases add more than `MAX_SHARED` nodes; the line is in `source`.
    """
    return list(compose_each(data, source=source))


def compose_each(data: bytes | str, *, source: str = "") -> Iterator[Node]:
    """As `compose_all`, one document at a time: the text may be larger than its nodes should be."""
    return _Composer(to_text(data, source=source), source).documents()


class _Composer:
    """Builds the documents of one text, event by event."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._anchors: dict[str, Node] = {}
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._shared = 0

    def documents(self) -> Iterator[Node]:
        import yaml

        root: Node | None = None
        for event in self._events():
            match type(event):
                case yaml.ScalarEvent:
                    root = self._add(self._scalar(event), root)
                case yaml.MappingEndEvent | yaml.SequenceEndEvent:
                    self._close(event)
                case yaml.MappingStartEvent | yaml.SequenceStartEvent:
                    root = self._begin(event, "mapping" if type(event) is yaml.MappingStartEvent else "sequence", root)
                case yaml.AliasEvent:
                    root = self._add(self._alias(event), root)
                case yaml.DocumentEndEvent:
                    assert root is not None
                    yield root
                    root = None
                    self._anchors.clear()
                    self._shared = 0
                case _:
                    pass  # where the stream and the documents begin

    def _events(self) -> Iterator[Any]:
        import yaml

        try:
            parser = yaml.CBaseLoader(self._text)
            while (event := parser.get_event()) is not None:
                yield event
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = 1 if mark is None else mark.line + 1
            if error.problem == _SCANNER_TOO_DEEP:
                raise self._too_deep(line) from None
            raise DecodeError(f"not YAML: {error.problem}", source=at(self._source, line)) from None
        except yaml.YAMLError as error:
            line = self._text.count("\n", 0, getattr(error, "position", 0)) + 1
            raise DecodeError(f"not YAML: {str(error).splitlines()[0]}", source=at(self._source, line)) from None

    def _scalar(self, event: Any) -> Node:
        node = Node("scalar", event, value=event.value, style=event.style or "")
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _begin(self, event: Any, kind: Literal["sequence", "mapping"], root: Node | None) -> Node:
        if len(self._open) >= MAX_DEPTH:
            raise self._too_deep(event.start_mark.line + 1)
        node = Node(kind, event, value=[], style="{" if event.flow_style else "")
        if event.anchor:
            self._anchors[event.anchor] = node
        root = self._add(node, root)
        self._open.append(node)
        self._keys.append(None)
        return root

    def _close(self, event: Any) -> None:
        node = self._open.pop()
        node.end = event.end_mark.index
        self._keys.pop()
        if self._open:
            # It was counted as one when it was added; now it is known how large it is.
            self._grow(self._open[-1], node.height, node.size - 1)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        where = at(self._source, event.start_mark.line + 1)
        if node is None:
            # The name may be a secret that begins with a star.
            raise DecodeError("an alias names no anchor; quote a value that begins with *", source=where)
        if any(node is parent for parent in self._open):
            raise DecodeError(f"anchor &{event.anchor} contains itself", source=where)
        if len(self._open) + node.height > MAX_DEPTH:
            raise self._too_deep(event.start_mark.line + 1)
        self._shared += node.size
        if self._shared > MAX_SHARED:
            raise DecodeError("aliases expand to too many values", source=where)
        node.aliases += 1
        return node

    def _too_deep(self, line: int) -> DecodeError:
        return DecodeError(f"nested deeper than {MAX_DEPTH} levels", source=at(self._source, line))

    def _add(self, node: Node, root: Node | None) -> Node:
        """Hangs the node below the innermost open collection; gives the root of the document."""
        if not self._open:
            return node
        parent, key = self._open[-1], self._keys[-1]
        if parent.kind == "sequence":
            parent.value.append(node)
        elif key is None:
            self._keys[-1] = node
        else:
            parent.value.append((key, node))
            self._keys[-1] = None
        self._grow(parent, node.height, node.size)
        assert root is not None
        return root

    @staticmethod
    def _grow(parent: Node, height: int, size: int) -> None:
        parent.size += size
        if height >= parent.height:
            parent.height = height + 1
