"""A configuration that is being rebuilt: sections leave the v1alpha1 document, documents come and go.

Paths are dotted keys of the v1alpha1 document (`machine.network.kubespan`); none of these keys has a dot.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.form import is_in_documents
from talos_resources.machineconfig.schema.table import MAIN

Fields = dict[str, Any]


@attrs.frozen
class Moved:
    """Where a value went.

    Attributes:
        old: its path in the v1alpha1 document.
        kind, name: the document that has it now; empty where it is gone without a successor.
        new: its path there; empty for the document as a whole.
        is_back: it went from the document into the v1alpha1 document.
    """

    old: str
    kind: str = ""
    name: str = ""
    new: str = ""
    is_back: bool = False

    def __str__(self) -> str:
        if not self.kind:
            return f"{self.old} is left out"
        document = f"{self.kind}/{self.name}" if self.name else self.kind
        place = f"{document}{'.' if self.new else ''}{self.new}"
        return f"{place} → {self.old}" if self.is_back else f"{self.old} → {place}"


class StaysError(Exception):
    """A section cannot be moved: its path, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} stays: {reason}")
        self.path = path
        self.reason = reason


class Draft:
    """The parts of a configuration, free to be changed; nothing of the configuration itself is.

    Attributes:
        main: the fields of the v1alpha1 document; None where there is none.
        documents: kind and fields of the others, in their order.
        moves: what went where.
        is_new_form: what is not said is not there, instead of being Talos's default.
        is_translation: the sections come from a patch that was written for an older Talos.
    """

    def __init__(self, config: MachineConfig) -> None:
        self.main: Fields | None = copy.deepcopy(dict(config.main.fields)) if config.main is not None else None
        self.documents: list[tuple[str, Fields]] = [
            (document.kind, copy.deepcopy(dict(document.fields))) for document in config.documents if document.kind != MAIN
        ]
        self.moves: list[Moved] = []
        self.is_translation = False
        self.is_new_form = is_in_documents(config)

    @property
    def role(self) -> str:
        """`controlplane`, `worker`, or empty where the configuration does not say."""
        kind = self.get("machine.type") or ""
        return {"init": "controlplane", "join": "worker"}.get(kind, kind)

    @property
    def is_whole(self) -> bool:
        """Whether it is the configuration of a machine, and not a part of one."""
        return bool(self.role) and (self.get("cluster.controlPlane") is not None or self.document("KubeClusterConfig") is not None)

    @property
    def has_defaults(self) -> bool:
        """Whether what is not said has Talos's default."""
        return self.is_whole and not self.is_new_form

    def get(self, path: str) -> Any:
        """A value of the v1alpha1 document; None where there is none."""
        value: Any = self.main
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def set(self, path: str, value: Any) -> None:
        """Sets a value of the v1alpha1 document; sections are made, and the document too."""
        if self.main is None:
            self.main = {"version": MAIN}
        *steps, last = path.split(".")
        section = self.main
        for step in steps:
            found = section.get(step)
            section[step] = section = found if isinstance(found, dict) else {}
        section[last] = value

    def drop(self, path: str) -> Any:
        """Takes a value out of the v1alpha1 document, with the sections that are empty then; gives it back."""
        *steps, last = path.split(".")
        sections: list[Fields] = []
        section: Any = self.main
        for step in steps:
            if not isinstance(section, dict):
                return None
            sections.append(section)
            section = section.get(step)
        if not isinstance(section, dict):
            return None
        value = section.pop(last, None)
        # `machine` and `cluster` stay, also when they are empty: they tell what the document is.
        for parent, step in reversed(list(zip(sections, steps, strict=True))[1:]):
            if parent.get(step) == {}:
                del parent[step]
        return value

    def move(self, path: str, kind: str, new: str = "", *, name: str = "") -> Any:
        """Like `drop`, and remembers where the value goes."""
        self.moves.append(Moved(path, kind, name, new))
        return self.drop(path)

    def gone(self, path: str) -> None:
        """Drops a value that means nothing any more."""
        if self.get(path) is not None:
            self.moves.append(Moved(path))
            self.drop(path)

    def document(self, kind: str, name: str = "") -> Fields | None:
        """The fields of a document."""
        return next((fields for other, fields in self.documents if other == kind and fields.get("name", "") == name), None)

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Fields]]:
        """All documents of these kinds."""
        return ((kind, fields) for kind, fields in list(self.documents) if kind in kinds)

    def rename(self, path: str, kind: str, name: str = "", new: str = "") -> None:
        """Remembers where a value went that was taken with its section."""
        self.moves.append(Moved(path, kind, name, new))

    def put(self, kind: str, fields: Fields, *, name: str = "") -> None:
        """Adds a document, or fields to the one that is there."""
        given = {key: value for key, value in fields.items() if value is not None}
        found = self.document(kind, name)
        if found is not None:
            found |= given
        else:
            self.documents.append((kind, {"apiVersion": MAIN, "kind": kind, **({"name": name} if name else {}), **given}))

    def remove(self, kind: str, name: str = "") -> None:
        """Takes a document away."""
        self.documents = [entry for entry in self.documents if not (entry[0] == kind and entry[1].get("name", "") == name)]

    def cut(self, kind: str, fields: Fields, keys: tuple[str, ...]) -> None:
        """Takes these fields out of a document, or all of it without keys, and where nothing else is left."""
        for key in keys:
            fields.pop(key, None)
        if not keys or set(fields) <= {"apiVersion", "kind", "name"}:
            self.remove(kind, fields.get("name", ""))

    def snapshot(self) -> tuple[Any, ...]:
        """What `restore` takes."""
        return copy.deepcopy((self.main, self.documents)), list(self.moves)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Undoes everything since."""
        (self.main, self.documents), self.moves = snapshot
