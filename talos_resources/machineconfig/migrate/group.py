"""What moves together: the sections that Talos does not let stand beside their documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from talos_resources.machineconfig.migrate.draft import Draft, Fields, Moved, StaysError
from talos_resources.model.errors import ConfigError
from talos_resources.releases import Contract

_IDENTITY = frozenset({"apiVersion", "kind", "name"})


def same(value: Any) -> Any:
    """A value that is written the same way in both forms."""
    return value


def inverted(value: Any) -> bool:
    """Of `disabled` and `enabled`."""
    return not value


@attrs.frozen
class Move:
    """A field of the v1alpha1 document and its successor.

    Attributes:
        old: its path.
        new: its path in the document.
        to_new, to_old: how the value is written there.
    """

    old: str
    new: str
    to_new: Callable[[Any], Any] = same
    to_old: Callable[[Any], Any] = same


@attrs.frozen(kw_only=True)
class Group:
    """Sections and the documents that stand for them; moved as a whole or not at all.

    Attributes:
        name: of what it is about, for people.
        sections: the paths that it owns in the v1alpha1 document.
        kinds: of its documents.
        forward: puts the documents in place of the sections; raises `StaysError` before it changes anything.
        backward: the way back.
        lost: what of the documents no section can hold, each as `KIND.field`.
        control_planes_only: workers do not look at it.
        fields: those of the document that are meant, where the others belong to another group.
        joins: sections and documents may stand beside each other.
        control_plane_paths: of the sections, those that workers do not look at.
        dead: fields of the sections that mean nothing any more, which are dropped without a successor.
        since: the first contract that has it, where the document itself is older.
    """

    name: str
    sections: tuple[str, ...]
    kinds: tuple[str, ...]
    forward: Callable[[Draft], None]
    backward: Callable[[Draft], None]
    lost: Callable[[Draft], Iterator[str]]
    control_planes_only: bool = False
    fields: tuple[str, ...] = ()
    joins: bool = False
    control_plane_paths: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    since: Contract | None = None

    @property
    def for_control_planes(self) -> tuple[str, ...]:
        """The paths of the v1alpha1 document that workers do not look at."""
        return self.sections if self.control_planes_only else self.control_plane_paths

    def is_in_sections(self, draft: Draft) -> bool:
        """Whether some of it is in the v1alpha1 document."""
        return any(draft.get(path) is not None for path in self.sections)

    def is_in_documents(self, draft: Draft) -> bool:
        """Whether some of it is in documents."""
        return any(not self.fields or any(key in fields for key in self.fields) for _, fields in draft.of_kind(*self.kinds))


@attrs.frozen(kw_only=True)
class FieldsRule:
    """How one document stands for the fields of sections, each of which has its own counterpart.

    Attributes:
        kind: of the document, of which there is only one.
        moves: the fields.
        sections: what must be gone when the document is there; by default the fields themselves.
        required: fields of the document without which Talos refuses it.
        dead: fields of the sections that mean nothing any more, with the value that may be dropped; `...` for any.
        elsewhere: fields of the sections that others put into documents of their own when this has moved.
        switch: a field of the sections that has to be true for anything to be there, such as `enabled`.
        check: raises `StaysError` for values that the document does not take; may add what goes without saying.
        assumed: says what a control plane does about which nothing is said.
        absent: a path and the value that say that there is no such document.
    """

    kind: str
    moves: tuple[Move, ...]
    sections: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    dead: Mapping[str, Any] = attrs.field(factory=dict)
    elsewhere: tuple[str, ...] = ()
    switch: str = ""
    check: Callable[[Draft, Fields], None] | None = None
    assumed: Callable[[Draft], None] | None = None
    absent: tuple[str, Any] | None = None

    @property
    def owned(self) -> tuple[str, ...]:
        """The sections."""
        return self.sections or tuple(move.old for move in self.moves)

    def group(self, name: str, *, control_planes_only: bool = False) -> Group:
        """The group that moves by this rule."""
        return Group(
            name=name,
            sections=self.owned,
            kinds=(self.kind,),
            forward=self.forward,
            backward=self.backward,
            lost=self.lost,
            control_planes_only=control_planes_only,
            dead=tuple(self.dead),
        )

    def forward(self, draft: Draft) -> None:
        """Puts the document in place of the sections."""
        if not any(draft.get(path) is not None for path in self.owned):
            if self.assumed is not None and draft.has_defaults and draft.role == "controlplane":
                self.assumed(draft)
            return
        known = {*(move.old for move in self.moves), *self.dead, *self.elsewhere, *([self.switch] if self.switch else [])}
        _nothing_left(draft, self.owned, known, self.dead)
        if self.switch and not draft.get(self.switch):
            _drop_all(draft, self.owned)
            return
        fields = self._fields(draft)
        _need(self.owned[0], self.kind, fields, self.required)
        if self.check is not None:
            self.check(draft, fields)
        for move in self.moves:
            if draft.get(move.old) is not None:
                draft.move(move.old, self.kind, move.new)
        for path in self.dead:
            draft.gone(path)
        for section in self.owned:
            draft.drop(section)  # with the switch, and what others move
        draft.put(self.kind, fields)

    def _fields(self, draft: Draft) -> Fields:
        fields: Fields = {}
        for move in self.moves:
            value = draft.get(move.old)
            if value is not None:
                _set(fields, move.new, _converted(move, value))
        return fields

    def backward(self, draft: Draft) -> None:
        """Puts the sections in place of the document."""
        fields = draft.document(self.kind)
        if fields is None:
            if self.absent is not None and _says_nothing(draft, self.owned):
                draft.set(*self.absent)
            return
        for move in self.moves:
            value = _get(fields, move.new)
            if value is not None:
                draft.moves.append(Moved(move.old, self.kind, "", move.new, is_back=True))
                draft.set(move.old, move.to_old(value))
        if self.switch:
            draft.set(self.switch, True)
        draft.remove(self.kind)

    def lost(self, draft: Draft) -> Iterator[str]:
        """What of the document no section can hold."""
        fields = draft.document(self.kind) or {}
        known = {move.new for move in self.moves}
        for path in _leaves(fields):
            if not _covered(path, known) and path not in _IDENTITY and _get(fields, path) != {}:
                yield f"{self.kind}.{path}"


def _says_nothing(draft: Draft, sections: tuple[str, ...]) -> bool:
    """Whether a control plane's configuration does without something by not saying it."""
    is_whole = draft.is_new_form and draft.is_whole and draft.role == "controlplane"
    return is_whole and not any(draft.get(path) is not None for path in sections)


def _nothing_left(draft: Draft, sections: tuple[str, ...], known: set[str], dead: Mapping[str, Any]) -> None:
    """Refuses where a section holds what no document has."""
    for section in sections:
        value = draft.get(section)
        for path in _leaves(value, section) if isinstance(value, Mapping) else ():
            if not _covered(path, known):
                raise StaysError(section, f"{path.removeprefix(section + '.')} has no successor")
            if path in dead and dead[path] is not ... and draft.get(path) != dead[path]:
                raise StaysError(section, f"{path.removeprefix(section + '.')} cannot be {draft.get(path)!r} any more")


def _need(section: str, kind: str, fields: Fields, required: tuple[str, ...]) -> None:
    for path in required:
        if not _get(fields, path):
            raise StaysError(section, f"{kind} needs {path}, and nothing says it")


def _drop_all(draft: Draft, sections: tuple[str, ...]) -> None:
    for section in sections:
        draft.gone(section)


def _converted(move: Move, value: Any) -> Any:
    try:
        return move.to_new(value)
    except ConfigError as error:
        raise StaysError(move.old, error.message) from None


def _get(fields: Mapping[str, Any], path: str) -> Any:
    value: Any = fields
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _set(fields: Fields, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        fields = fields.setdefault(step, {})
    fields[last] = value


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The paths of all keys that hold something else than a mapping, or an empty one."""
    for key, item in value.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, path)
        else:
            yield path


def _covered(path: str, known: set[str]) -> bool:
    """Whether a path is one of these or below one; an empty mapping above one is nothing."""
    return any(path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in known)
