"""The folder of a node in a bundle: its resources, whole or as far as they can be read, and the other files beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import Kind
from talos_resources.model.resource import Resource
from talos_resources.sources.documents import Entry, by_node, parse
from talos_resources.sources.load import memory_state
from talos_resources.state.contract import State
from talos_resources.state.registry import known_kinds

LOG: Final = "controller-runtime.log"
SUMMARY: Final = "summary"
TEXTS: Final = frozenset({LOG, SUMMARY})
"""Files beside the resources that somebody asks for."""

Reader = Callable[[], bytes]


@attrs.frozen
class NodeFolder:
    """The files of a node.

    Attributes:
        files: with resources: name → what reads it.
        texts: the other files that are known, by their own name.
        is_bundle: this is a part of a support bundle, which leaves things out that the node has.
    """

    files: Mapping[str, Reader]
    texts: Mapping[str, Reader] = attrs.field(factory=dict)
    is_bundle: bool = False

    def left_out(self, kind: Kind[Any], namespace: str | None, state: State) -> str:
        """Why nothing of a kind is here although the node may have it; empty where a bundle would hold it.

        Args:
            kind: of which nothing was found.
            namespace: where it was looked for; None for the kind's own.
            state: of this folder.

        Source: talosctl v1.14.0-rc.1, support.
        """
        known = known_kinds(state) if self.is_bundle else ()
        usual = {(other.namespace, other.type) for other in known}
        # Our own dumps into folders look the same, but leave no namespace out.
        if not self.is_bundle or not isinstance(state, MemoryState) or not usual.issuperset(state.held_kinds()):
            return ""
        if namespace is not None and namespace != kind.namespace:
            return f"a support bundle has {kind.type} of namespace {kind.namespace} only; what is in {namespace} is not known"
        if kind.sensitive and not any(other.sensitive and state.list(other) for other in known):
            return f"{kind.type} are sensitive; this support bundle was made without os:admin, which leaves them out: they may be there"
        return ""

    def state(self) -> State:
        """All resources; the folder says which node it is, whatever the documents say.

        Raises:
            DecodeError: a file is broken.
        """
        return _state(entry for name, reader in self.files.items() for entry in parse(reader(), source=name))

    def readable(self) -> tuple[State, dict[str, str]]:
        """What can be read, and why the rest cannot: name of the file, without folder and suffix → reason.

        Of a broken file the documents that are whole count.
        """
        entries: list[Entry] = []
        faults: dict[str, str] = {}
        for name, reader in self.files.items():
            try:
                entries += list(parse(reader(), source=name))
            except DecodeError as error:
                faults[PurePath(name).stem] = error.message
                entries += _whole(reader, name)
        return _state(entries), faults

    def text(self, name: str) -> str:
        """One of the other files; empty if it is not there."""
        reader = self.texts.get(name)
        return "" if reader is None else reader().decode(errors="replace")


def _state(entries: Any) -> State:
    held: list[Resource[Any]] = []
    for resources in by_node(entry._replace(node=None) for entry in entries).values():
        held += resources
    return memory_state(held)


def _whole(reader: Reader, name: str) -> Iterator[Entry]:
    try:
        text = reader().decode(errors="replace")
    except DecodeError:
        return
    for number, document in enumerate(text.split("\n---\n"), 1):
        try:
            yield from parse(document.encode(), source=f"{name}: document {number}")
        except DecodeError:
            continue
