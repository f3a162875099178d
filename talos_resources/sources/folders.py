"""The folder of a node in a bundle: its resources, read as they are asked for, and the other files beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.resources import ResourceDefinition
from talos_resources.sources.demand import DemandState
from talos_resources.sources.documents import Entry, collected, parse
from talos_resources.sources.load import lacking_definitions
from talos_resources.state.contract import State
from talos_resources.state.registry import definitions_of, known_kinds

LOG: Final = "controller-runtime.log"
SUMMARY: Final = "summary"
CUT_SHORT: Final = "the archive is cut short; what stood behind its end is not known"

Reader = Callable[[], bytes]

_DEFINITIONS: Final = kind_of(ResourceDefinition).type


def file_stem(type: str) -> str:
    """What talosctl calls the file of a type in a bundle, without its suffix."""
    return re.sub(r"[^a-z0-9._-]", "_", type.lower())


@attrs.frozen
class NodeFolder:
    """The files of a node.

    Attributes:
        files: with resources: name → what reads it.
        texts: the other files, by their path in the folder: `summary`, `service-logs/apid.log`.
        common: the files of the bundle that belong to no node, by their path.
        is_bundle: this is a part of a support bundle, which leaves things out that the node has; each file has the type
            that its name says.
        is_cut: the archive is cut short: files of the node may be missing.
    """

    files: Mapping[str, Reader]
    texts: Mapping[str, Reader] = attrs.field(factory=dict)
    common: Mapping[str, Reader] = attrs.field(factory=dict)
    is_bundle: bool = False
    is_cut: bool = False

    def left_out(self, kind: Kind[Any], namespace: str | None, state: State) -> str:
        """Why nothing of a kind is here although the node may have it; empty where a bundle would hold it.

        Args:
            kind: of which nothing was found.
            namespace: where it was looked for; None for the kind's own.
            state: of this folder.

        Source: talosctl v1.14.0-rc.1, support.
        """
        if any(self.missing((kind.type,), state)):
            return f"what is left of the archive has no {kind.type}; whether there are any is not known"
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

    def missing(self, types: Iterable[str], state: State) -> Iterator[str]:
        """Those of some types of which nobody knows whether the node has any, because the archive ends before their files.

        Args:
            types: that are asked for.
            state: of this folder.
        """
        if not self.is_cut or not isinstance(state, MemoryState):
            return iter(())
        # Only in a bundle a file's name says what is in it.
        there = {PurePath(name).stem for name in self.files} if self.is_bundle else {file_stem(name) for _, name in state.held_kinds()}
        return (name for name in types if file_stem(name) not in there)

    def state(self) -> State:
        """All resources; the folder says which node it is, whatever the documents say.

        A file whose name says its type is read when somebody asks for the type, and again if it was broken.

        Raises:
            DecodeError: a file is broken; of one that is read later, the call that needs it says so.
        """
        return FolderState(self)

    def readable(self) -> FolderState:
        """What can be read: of a broken file the documents that are whole count, and `faults` says why the rest does not."""
        return FolderState(self, lenient=True)

    def text(self, name: str) -> str:
        """One of the other files; empty if it is not there."""
        reader = self.texts.get(name)
        return "" if reader is None else reader().decode(errors="replace")


class FolderState(DemandState):
    """The resources of a folder.

    Attributes:
        faults: of the broken files that were read so far, by name without folder and suffix; filled if it is `lenient`.
    """

    def __init__(self, folder: NodeFolder, *, lenient: bool = False) -> None:
        """Reads the files whose names say no type.

        Args:
            folder: the files.
            lenient: a broken file is no error.

        Raises:
            DecodeError: one is broken.
        """
        super().__init__()
        self.faults: dict[str, str] = {}
        self._lenient = lenient
        self._unread: dict[str, list[tuple[str, Reader]]] = {}
        others = []
        for name, reader in folder.files.items():
            stem = PurePath(name).stem
            if folder.is_bundle and "." in stem:
                self._unread.setdefault(stem, []).append((name, reader))
            else:
                others.append((name, reader))
        self._is_defined = False
        self._take(others)

    def _bring(self, type: str) -> None:
        self._need(file_stem(type))
        if type == _DEFINITIONS and not self._is_defined:
            self._is_defined = True
            self._define()

    def _bring_all(self) -> None:
        for stem in tuple(self._unread):
            self._need(stem)

    def _need(self, stem: str) -> None:
        files = self._unread.pop(stem, None)
        if files is None:
            return
        try:
            self._take(files)
        except BaseException:
            self._unread[stem] = files  # what cannot be read is not empty: the next question fails as well
            raise

    def _define(self) -> None:
        """Every type has a definition, for which the files of those that have none must be read."""
        there = {file_stem(definition.resource_type) for definition in definitions_of(self)}
        try:
            for stem in tuple(self._unread):
                if stem not in there:
                    self._need(stem)
        except BaseException:
            self._is_defined = False
            raise
        held = [found for types in self._namespaces.values() for kind in types.values() for found in kind.items.values()]
        self._add(lacking_definitions(held))

    def _take(self, files: Sequence[tuple[str, Reader]]) -> None:
        entries: list[Entry] = []
        for name, reader in files:
            try:
                entries += list(parse(reader(), source=name))
            except DecodeError as error:
                if not self._lenient:
                    raise
                self.faults[PurePath(name).stem] = error.message
                entries += _whole(reader, name)
        for resources in collected(entry if entry.node is None else entry._replace(node=None) for entry in entries).values():
            self._add(resources)


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
