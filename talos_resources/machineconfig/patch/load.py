"""What a `--patch` argument is: a file or inline text, a JSON patch or configuration documents.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration patches; observed on talosctl.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.codec.gojson import refuse_halves
from talos_resources.codec.goyaml.nodes import Node, compose_all, compose_each
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.codec.goyaml.values import value_of
from talos_resources.codec.whole import read_whole
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.loading import documents_of
from talos_resources.machineconfig.patch.deletes import Delete, take_deletes
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import NEWEST, Release

_SPLIT_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
_SAY_NOTHING: Final = {"version", "kind", "name"}
"""Keys that change nothing by themselves."""


@attrs.frozen
class StrategicPatch:
    """Documents to be merged and what is to be deleted, in the order in which it is done.

    What a document says of deletes is done before it is merged.
    """

    steps: tuple[Delete | Document, ...] = attrs.field(repr=False)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents to be merged."""
        return tuple(step for step in self.steps if isinstance(step, Document))

    @property
    def deletes(self) -> tuple[Delete, ...]:
        """What is to be deleted."""
        return tuple(step for step in self.steps if isinstance(step, Delete))


Patch = JsonPatch | StrategicPatch


def load_patch(argument: str, *, release: Release = NEWEST) -> Patch:
    """Reads an argument: `@file`, the bare name of a file, or the patch itself.

    A text without blanks and newlines that does not begin with `[` or `{` is taken for a file name.

    Raises:
        ConfigError, DecodeError: it is no patch, or holds what no configuration has.
        OSError: the file cannot be read.
    """
    if argument.startswith("@"):
        return parse_patch(read_whole(Path(argument[1:])), source=argument[1:], release=release)
    if not re.search(r"[\n ]", argument) and not argument.startswith(("[", "{")):
        if not argument:
            raise ConfigError("an empty patch: give the patch itself, or @ and a file name")
        return parse_patch(read_whole(Path(argument)), source=argument, release=release)
    return parse_patch(argument, release=release)


def parse_patch(data: bytes | str, *, source: str = "", release: Release = NEWEST) -> Patch:
    """Reads the text of a patch.

    Configuration documents are tried first, then a JSON list of operations, then the same as YAML (so
    comments, single quotes and trailing commas pass). A text without any document is an empty JSON patch.

    Args:
        data: the text.
        source: a file name for errors; a text from the command line is called "patch".
        release: by whose rules.

    Raises:
        ConfigError, DecodeError: it is none of these; says so as a JSON patch if it begins with `[`.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    name = source or "patch"
    try:
        return _strategic(compose_all(data, source=name), name, release)
    except (ConfigError, DecodeError) as error:
        operations = _operations(text, name)
        if operations is None:
            if text.lstrip().startswith("["):
                raise ConfigError(f"{name}: not a JSON patch: {_json_fault(text)}", source=name) from None
            raise error from None
    return JsonPatch(tuple(operations), _SPLIT_ESCAPE.search(text) is not None)


def _strategic(roots: list[Node], source: str, release: Release) -> StrategicPatch:
    steps: list[Delete | Node] = []
    for root in roots:
        if root.kind != "mapping":
            steps.append(root)
            continue
        left, found = take_deletes(root, source=source)
        steps += found
        if left is not None and not _says_nothing(left):
            steps.append(left)
    nodes = [step for step in steps if isinstance(step, Node)]
    deletes = tuple(step for step in steps if isinstance(step, Delete))
    if deletes and all(node.is_null for node in nodes):
        return StrategicPatch(deletes)
    documents = iter(documents_of(nodes, source=source, release=release, repeated=release.patch.several_parts))
    kept = (step for step in steps if isinstance(step, Delete) or not step.is_null)
    ordered = [step if isinstance(step, Delete) else next(documents) for step in kept]
    if not release.patch.several_parts:
        ordered.sort(key=_turn)
    return StrategicPatch(tuple(ordered))


def _turn(step: Delete | Document) -> int:
    """When a release that takes a document in one part only does it: the v1alpha1 one first, its deletes before it."""
    if step.kind != MAIN:
        return 2
    return 0 if isinstance(step, Delete) else 1


def _says_nothing(document: Node) -> bool:
    """Whether Talos passes over the document of a patch, without a look at what kind that is."""
    return all(key.text in _SAY_NOTHING and value.kind == "scalar" for key, value in document.pairs)


def _operations(text: str, source: str) -> list[dict[str, Any]] | None:
    """The operations, from JSON or else YAML; None if it is no list of mappings."""
    try:
        found = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_no_constant)
        refuse_halves(found, text, source=source)
    except (ValueError, RecursionError):
        try:
            # Go reads the first document and does not look at what follows it.
            root = next(compose_each(text, source=source), None)
            found = as_json(value_of(root, source=source)) if root is not None else None
        except (ConfigError, DecodeError):
            return None
    found = [] if found is None else found
    is_patch = isinstance(found, list) and all(isinstance(item, dict) for item in found)
    return found if is_patch else None


def _number(text: str) -> int | float:
    """A number of a JSON patch: talosctl keeps its text, and YAML reads it again at the end."""
    value = resolve(text)
    if not isinstance(value, int | float):
        raise ValueError(f"{text} is beyond every number")  # noqa: TRY004 - a fault of the text
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _json_fault(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} in line {error.lineno}"
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:  # an integer of thousands of digits
        return str(error)
    return "it has to be a list of operations"


def as_json(value: Any) -> Any:
    """A value read from YAML as it comes out of Go's way through JSON.

    Keys become text, a float without a fraction an integer (below 1e21, where JSON writes no exponent),
    a time its text.

    Raises:
        ConfigError: an infinity, or what is not a number: JSON has neither.
    """
    if isinstance(value, dict):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - only NaN differs from itself
            raise ConfigError(f"JSON has no number {value}, and the patch goes through JSON")
        return int(value) if value.is_integer() and abs(value) < 1 << 64 else value
    return str(value) if isinstance(value, str) else value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    return str(key).lower() if isinstance(key, bool) else "null" if key is None else str(key)
