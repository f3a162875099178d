"""Documents in the form in which talosctl prints most resources, read line by line.

That form is narrow: keys and short scalars on lines of their own, four blanks for each level, no comments,
anchors, tags or block scalars. Whatever looks different, or has a fault, is left to the reader of all YAML.
A file of 10,000 peer statuses takes a third of its time this way, and a bundle of many nodes, which say the
same of each other, a tenth: equal texts of a spec are read once (`python -m benchmarks.bundle`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import own_kind
from talos_resources.model.metadata import Metadata, OpenMetadata, Phase
from talos_resources.model.redact import may_hold_secrets
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Sent
from talos_resources.model.timestamp import Timestamp

_BARE: Final = r"[A-Za-z0-9_./+=][A-Za-z0-9_./+=@-]*(?::[A-Za-z0-9_./+=@-]+)*"
_QUOTED: Final = r'"[ !#-\[\]-~]*"'
_TEXT: Final = rf"({_BARE}|{_QUOTED})"
_TIME: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_HEAD: Final = re.compile(
    rf"(?:node: {_TEXT}\n)?metadata:\n    namespace: {_TEXT}\n    type: {_TEXT}\n    id: {_TEXT}\n    version: (\d{{1,18}})\n"
    rf"    owner:(?: {_TEXT})?\n    phase: (running|tearingDown)\n    created: {_TIME}\n    updated: {_TIME}\nspec:\n(?=    \S)",
    re.ASCII,
)
# What is in quotes is left to the other reader, for they show which release wrote it.
_VALUE: Final = rf'{_BARE}|""'
_LINE: Final = re.compile(rf"( +)(?:([A-Za-z][A-Za-z0-9_]*):(?: ({_VALUE}|\[\]|\{{\}}|[A-Za-z]+ [A-Za-z0-9_.()]+))?|- ({_VALUE}))\n")
_PHASES: Final = {phase.value: phase for phase in Phase}
_STEP: Final = 4
_SHARED: Final = 1 << 14
"""How many specs are remembered: those of a node of a cluster of four thousand."""


class Found(NamedTuple):
    """A document: the node that it was read from, None if it does not say, and the resource."""

    node: str | None
    resource: Resource[Any]


def read(text: str) -> Found | None:
    """The resource of a document without `---`; None if another reader has to look at it, also for what is wrong with it."""
    head = _HEAD.match(text)
    if head is None:
        return None
    node, namespace, name, key, version, owner, phase, created, updated = head.groups()
    kind = own_kind(_unquoted(name))
    if kind is None:
        return None
    body = text[head.end() :]
    try:
        spec, given = _read_spec(kind.spec, body) if may_hold_secrets(kind.spec) else _shared_spec(kind.spec, body)
        times = _time(created), _time(updated)
    except (DecodeError, ValueError):
        return None
    metadata = OpenMetadata(
        namespace=_unquoted(namespace),
        type=kind.type,
        id=_unquoted(key),
        version=int(version),
        owner=_unquoted(owner or ""),
        phase=_PHASES[phase],
        created=times[0],
        updated=times[1],
    )
    metadata.__class__ = Metadata
    return Found(None if node is None else _unquoted(node), Resource(metadata, spec) if given is None else Sent(metadata, spec, given))


@functools.lru_cache(maxsize=1024)
def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


_time: Final = functools.lru_cache(maxsize=1024)(Timestamp.parse)


def _read_spec(cls: type[Any], text: str) -> tuple[Any, str | None]:
    """A spec, and its text where the class would write another one."""
    from talos_resources.codec.as_given import text_as_given
    from talos_resources.codec.strict import structure

    values = values_of(text)
    spec = structure(cls, values, path="spec")
    return spec, text_as_given(spec, values)


_shared_spec: Final = cast("Callable[[type[Any], str], tuple[Any, str | None]]", functools.lru_cache(maxsize=_SHARED)(_read_spec))


def values_of(text: str) -> dict[str, Any]:
    """The plain values of a block mapping whose keys stand four blanks in.

    Raises:
        ValueError: the text is not in the narrow form.
    """
    root: dict[str, Any] = {}
    # What is open, by depth; of the last key without a value nobody knows yet what it holds.
    levels: list[dict[str, Any] | list[Any]] = [root]
    waiting: tuple[dict[str, Any], str] | None = None
    position = 0
    while position < len(text):
        line = _LINE.match(text, position)
        if line is None:
            raise ValueError(position)
        position = line.end()
        blanks, key, value, item = line.groups()
        depth, rest = divmod(len(blanks), _STEP)
        if rest or depth > len(levels) + (waiting is not None):
            raise ValueError(position)
        if depth > len(levels):
            assert waiting is not None
            opened: dict[str, Any] | list[Any] = {} if item is None else []
            waiting[0][waiting[1]] = opened
            levels.append(opened)
        else:
            del levels[depth:]
        waiting = None
        within = levels[-1]
        if item is not None:
            if not isinstance(within, list):
                raise ValueError(position)
            within.append(_value(item))
            continue
        if not isinstance(within, dict) or key in within or not isinstance(resolve(key), str):
            raise ValueError(position)
        within[key] = None if value is None else _value(value)
        waiting = (within, key) if value is None else None
    return root


def _value(text: str) -> Any:
    first = text[0]
    if first == '"':
        return ""
    if first == "[":
        return []
    return {} if first == "{" else resolve(text)
