"""Resources as YAML documents: what plain reading would lose of them is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.goyaml.nodes import Node, compose_each
from talos_resources.codec.goyaml.resolve import OLD_WORDS, is_old_number
from talos_resources.codec.goyaml.rewrite import rewrite
from talos_resources.codec.goyaml.values import pairs_of, value_of
from talos_resources.model.kind import own_kind
from talos_resources.model.spec import UntypedSpec, untyped_spec

_TEXTS: Final = frozenset({"node", "event", "metadata"})


def documents(data: bytes | str, *, source: str) -> Iterator[Any]:
    """See `codec.text.documents_from_yaml`."""
    for root in compose_each(data, source=source):
        metadata = root.get("metadata")
        yield value_of(root, source=source) if metadata is None else _resource(root, metadata, source)


def _resource(root: Node, metadata: Node, source: str) -> dict[Any, Any]:
    name = metadata.get("type")
    typed = name is not None and own_kind(name.text) is not None
    document: dict[Any, Any] = {}
    for key, node in pairs_of(root, source=source):
        if key.text in _TEXTS:
            document[key.text] = _texts(node, source)
        elif key.text == "spec" and (not typed or _is_of_a_release(node)):
            document["spec"] = UntypedSpec() if node.is_null else untyped_spec(rewrite(node, source=source))
        else:
            document[value_of(key, source=source)] = value_of(node, source=source)
    return document


def _is_of_a_release(node: Node) -> bool:
    """Whether a text is in quotes that releases choose differently: they show which one wrote it."""
    if node.kind == "scalar":
        return bool(node.style) and (node.text in OLD_WORDS or is_old_number(node.text))
    return any(map(_is_of_a_release, node.items)) or any(_is_of_a_release(key) or _is_of_a_release(value) for key, value in node.pairs)


def _texts(node: Node, source: str) -> Any:
    """The node with every scalar as it is written; aliases have no place there."""
    if node.kind == "mapping":
        return {key.text: _texts(value, source) for key, value in pairs_of(node, source=source)}
    return [_texts(item, source) for item in node.items] if node.kind == "sequence" else node.text
