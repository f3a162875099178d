"""Values as ruamel.yaml writes them, with comments at their keys."""

from __future__ import annotations

from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString, SingleQuotedScalarString
from ruamel.yaml.tokens import CommentToken

from talos_resources.codec.goyaml.emit import Written, scalar
from talos_resources.machineconfig.migrate.remarks import Path, Remark
from talos_resources.releases import NEWEST

INDENT: Final = 4
"""How far Talos indents."""


def commented(value: Any) -> Any:
    """Plain values as ruamel.yaml writes them with comments; texts of several lines as blocks."""
    if isinstance(value, dict):
        found = CommentedMap()
        for key, item in value.items():
            found[key] = commented(item)
        return found
    if isinstance(value, list):
        return CommentedSeq([commented(item) for item in value])
    return _styled(value) if isinstance(value, str) else value


def _styled(text: str) -> Any:
    """A text in the style in which Talos writes it."""
    if "\n" in text.rstrip("\n"):
        return LiteralScalarString(text)
    written = text if isinstance(text, Written) else scalar(text, NEWEST.yaml)
    if written.startswith('"'):
        return DoubleQuotedScalarString(text.strip('"') if isinstance(text, Written) else text)
    return SingleQuotedScalarString(text) if written.startswith("'") else str(text)


def kept(old: CommentedMap, plain: dict[str, Any]) -> CommentedMap:
    """The loaded values with those that are wanted: what is the same keeps its style."""
    for key in [key for key in old if key not in plain]:
        del old[key]
    for key, value in plain.items():
        if isinstance(old.get(key), CommentedMap) and isinstance(value, dict):
            kept(old[key], value)
        elif key not in old:
            old[key] = commented(value)
    return old


def without_comments(value: Any) -> None:
    """Takes every comment off, in place."""
    if isinstance(value, CommentedMap | CommentedSeq):
        value.ca.comment = None
        value.ca.items.clear()
        value.ca.end = []
        for item in value.values() if isinstance(value, CommentedMap) else value:
            without_comments(item)
    elif hasattr(value, "comment"):
        value.comment = None


def attach(values: CommentedMap, found: list[Remark]) -> list[str]:
    """Puts comments to their keys; gives those that belong to the whole document, for its end."""
    tail: list[str] = []
    for remark in found:
        path = remark.path
        while path and not _at(values, path[:-1], path[-1]):
            path = path[:-1]
        if not path and not remark.path:
            tail += remark.lines
            continue
        parent, step = _parent(values, path) if path else (values, next(iter(values)))
        lines = [line for line in remark.lines if line or not remark.is_behind]
        if remark.is_behind and path == remark.path and not isinstance(parent[step], CommentedMap | CommentedSeq | LiteralScalarString):
            parent.yaml_add_eol_comment(lines[0], step, column=0)
        else:
            _above(parent, step, lines, _column(path))
    return tail


def _at(values: Any, path: Path, step: str | int) -> bool:
    try:
        for part in path:
            values = values[part]
        values[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _parent(values: Any, path: Path) -> tuple[Any, str | int]:
    for step in path[:-1]:
        values = values[step]
    return values, path[-1]


def _column(path: Path) -> int:
    return sum(INDENT for step in path[:-1] if not isinstance(step, int))


def _above(parent: Any, step: str | int, lines: list[str], column: int) -> None:
    tokens = [CommentToken(f"{line}\n", CommentMark(column if line else 0)) for line in lines]
    entry = parent.ca.items.setdefault(step, [None, None, None, None])
    entry[1] = [*(entry[1] or []), *tokens]
