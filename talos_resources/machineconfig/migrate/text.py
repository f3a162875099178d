"""`migrate` on the text of a configuration: comments go where their key goes.

Documents that stay as they are keep every character. The others are written by ruamel.yaml's round trip:
the v1alpha1 document in the style that it has, new ones in Talos's.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import Any, Final

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from talos_resources.codec.goyaml.nodes import Node, compose_all, to_text
from talos_resources.codec.goyaml.values import same
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import to_plain
from talos_resources.machineconfig.loading import documents_of
from talos_resources.machineconfig.migrate.commented import INDENT, attach, commented, kept, without_comments
from talos_resources.machineconfig.migrate.remarks import Path, Remark, remarks
from talos_resources.machineconfig.migrate.run import Migration, migrate
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import TalosResourcesError
from talos_resources.releases import NEWEST, Release

_SEPARATOR: Final = re.compile(r"^---(?=\s|\Z).*\n?", re.MULTILINE)
Key = tuple[str, str]


@attrs.frozen(kw_only=True)
class MigratedText:
    """What became of a text.

    Attributes:
        text: in its new form.
        migration: what went where.
        keeps_comments: comments are where their keys are; else the text is written as Talos writes it.
    """

    text: str = attrs.field(repr=False)
    migration: Migration
    keeps_comments: bool = True


def migrate_text(data: bytes | str, *, to: Release = NEWEST, source: str = "") -> MigratedText:
    """Migrates a text; see `migrate`.

    Args:
        data: of any release.
        to: the release whose form is wanted.
        source: a file name for errors.

    Raises:
        DecodeError, ConfigError: it is no configuration.
    """
    text = to_text(data, source=source)
    roots = [root for root in compose_all(text, source=source) if not root.is_null]
    documents = documents_of(roots, source=source)
    migration = migrate(MachineConfig.of(documents), to=to)
    if migration.config == MachineConfig.of(documents):
        return MigratedText(text=text, migration=migration)
    result = _Writer(text, roots, documents, migration).result()
    if _means(result, migration.config):
        return MigratedText(text=result, migration=migration)
    return MigratedText(text=migration.config.text(), migration=migration, keeps_comments=False)


def _means(text: str, config: MachineConfig) -> bool:
    """Whether a text reads back as a configuration."""
    try:
        found = MachineConfig.load(text)
    except TalosResourcesError:
        return False
    fields = [{document.key: document.fields for document in one.documents} for one in (found, config)]
    return same(*fields)


class _Writer:
    """Puts the new text together."""

    def __init__(self, text: str, roots: list[Node], documents: list[Document], migration: Migration) -> None:
        self._text = text
        self._migration = migration
        self._roots = dict(zip((document.key for document in documents), roots, strict=True))
        self._slices = dict(zip((document.key for document in documents), _slices(text, roots), strict=True))
        self._old = {document.key: document for document in documents}
        self._moved = sorted(migration.moved, key=lambda move: len(move.old), reverse=True)

    def result(self) -> str:
        """All documents of the new configuration."""
        remarks_of = self._remarks()
        parts = []
        for document in self._migration.config.documents:
            if self._old.get(document.key) == document:
                parts.append(self._slices[document.key])
            else:
                parts.append(self._written(document, remarks_of.get(document.key, [])))
        return "---\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)

    def _remarks(self) -> dict[Key, list[Remark]]:
        """The comments of all documents that change, each at its new place."""
        found: dict[Key, list[Remark]] = {}
        wanted = {document.key for document in self._migration.config.documents}
        for key, root in self._roots.items():
            if key in wanted and self._migration.config.find(*key) == self._old[key]:
                continue
            first = self._text.find(self._slices[key])
            last = self._text[: first + len(self._slices[key])].rstrip("\n").count("\n") + 1
            for remark in remarks(self._text, root, last):
                is_gone = key not in wanted
                where, moved = (
                    self._old_place(key, remark) if is_gone else self._new_place(key, remark) if key[0] == MAIN else (key, remark)
                )
                found.setdefault(where if where in wanted else (MAIN, ""), []).append(moved)
        return found

    def _place(self, key: Key, remark: Remark, *, is_gone: bool) -> tuple[Key, Remark]:
        if is_gone:
            return self._old_place(key, remark)
        return self._new_place(key, remark) if key[0] == MAIN else (key, remark)

    def _new_place(self, key: Key, remark: Remark) -> tuple[Key, Remark]:
        """Where a comment of the v1alpha1 document goes."""
        path = _dotted(remark.path)
        for move in self._moved:
            if move.is_back:
                continue
            if path == move.old or path.startswith((f"{move.old}.", f"{move.old}[")):
                if not move.kind:
                    break
                steps = (*_steps(move.new), *_steps(path[len(move.old) :].lstrip(".")))
                return (move.kind, move.name), attrs.evolve(remark, path=steps) if steps else _at_head(remark)
        if remark.path and not _has(self._migration.config.find(MAIN), remark.path):
            below = Counter(
                (move.kind, move.name)
                for move in self._migration.moved
                if move.kind and not move.is_back and move.old.startswith((f"{path}.", f"{path}["))
            )
            if below:
                return below.most_common(1)[0][0], _at_head(remark)
        return key, remark

    def _old_place(self, key: Key, remark: Remark) -> tuple[Key, Remark]:
        """Where a comment of a document goes that became a section: to that section."""
        path = _dotted(remark.path)
        back = [move for move in self._moved if move.is_back and (move.kind, move.name) == key]
        inside = [move for move in back if not move.new or path == move.new or path.startswith((f"{move.new}.", f"{move.new}["))]
        if not inside:
            return (MAIN, ""), attrs.evolve(remark, path=_steps(back[0].old) if back else (), is_behind=False)
        best = max(inside, key=lambda move: len(move.new))
        rest = _steps(path[len(best.new) :].lstrip(".")) if best.new else ()
        return (MAIN, ""), attrs.evolve(remark, path=(*_steps(best.old), *rest), is_behind=remark.is_behind and bool(best.new))

    def _written(self, document: Document, found: list[Remark]) -> str:
        plain = to_plain(document.type, document.fields, complete=False)
        root = self._roots.get(document.key)
        values = commented(plain) if root is None else kept(self._loaded(document.key), plain)
        tail = attach(values, found)
        writer = YAML()
        writer.width = 1 << 20
        writer.preserve_quotes = True
        indent = _indent_of(root) if root is not None else INDENT
        writer.indent(mapping=indent, sequence=indent + 2, offset=indent)
        out = io.StringIO()
        writer.dump(values, out)
        return out.getvalue() + "".join(f"{line}\n" for line in tail)

    def _loaded(self, key: Key) -> CommentedMap:
        reader = YAML()
        reader.preserve_quotes = True
        try:
            loaded = reader.load(self._slices[key])
        except ValueError:  # a text with the tag of a number, which Talos takes for the text
            return CommentedMap()
        without_comments(loaded)
        return loaded if isinstance(loaded, CommentedMap) else CommentedMap()


def _at_head(remark: Remark) -> Remark:
    """The comment above a document."""
    return attrs.evolve(remark, path=("apiVersion",), is_behind=False)


def _slices(text: str, roots: list[Node]) -> list[str]:
    """The text of each document, its comments included, without the lines between documents."""
    marks = [match for match in _SEPARATOR.finditer(text) if not any(root.start < match.start() < root.end for root in roots)]
    starts = [0, *(match.end() for match in marks)]
    ends = [*(match.start() for match in marks), len(text)]
    parts = list(zip(starts, ends, strict=True))
    return [next(text[start:end] for start, end in reversed(parts) if start <= root.start) for root in roots]


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _steps(path: str) -> Path:
    return tuple(int(step[1:-1]) if step.startswith("[") else step for step in re.findall(r"\[\d+\]|[^.\[\]]+", path))


def _has(document: Document | None, path: Path) -> bool:
    value: Any = document.fields if document is not None else None
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _indent_of(root: Node) -> int:
    """How far the keys below the first section are indented."""
    for _, value in root.pairs:
        if value.kind == "mapping" and not value.style and value.pairs:
            return max(value.pairs[0][0].column, 2)
    return INDENT
