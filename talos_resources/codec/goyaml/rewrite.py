"""YAML written anew in Go's form: what Go prints of a document that it has read into its nodes.

Scalars keep the text and the quotes that they have (`0o644` stays so), blocks are indented by four.
Flow collections become blocks, folded text becomes literal, aliases become what they name, and comments
go; Talos writes none of these.
"""

from __future__ import annotations

from typing import Any

from talos_resources.codec.goyaml.emit import ComplexKey, Written, dump, dump_entry, is_simple_key, single_quoted, verbatim
from talos_resources.codec.goyaml.nodes import Node, at, compose_all
from talos_resources.codec.goyaml.values import pairs_of
from talos_resources.model.errors import DecodeError
from talos_resources.releases.release import YamlStyle


def rewrite(node: Node, *, source: str = "") -> str:
    """A node as a document of its own, with a newline at its end.

    Raises:
        DecodeError: a key that is there twice.
    """
    return dump(_styled(node, source))


def rewrite_entry(text: str, *, key: str = "", style: YamlStyle | None = None, width: int | None = None, source: str = "") -> str:
    """A document as what follows the colon of a key at column 0, with a newline at its end.

    Args:
        text: the document.
        key: the key.
        style: how blocks begin; quotes stay as they are.
        width: where lines are broken; None for nowhere.
        source: for errors.

    Raises:
        DecodeError: no YAML, several documents, or a key that is there twice.
    """
    documents = compose_all(text, source=source)
    if len(documents) > 1:
        raise DecodeError("expected one document, found another", source=at(source, documents[1].line))
    return dump_entry(_styled(documents[0], source) if documents else None, key=key, style=style, width=width)


def _styled(node: Node, source: str) -> Any:
    """The node as a plain value whose scalars are in their final form, but for blocks of text."""
    if node.kind == "scalar":
        return _scalar(node)
    if node.kind == "sequence":
        return [_styled(item, source) for item in node.items]
    return {_key(key): _styled(value, source) for key, value in pairs_of(node, source=source)}


def _key(node: Node) -> str:
    written = _scalar(node)
    return ComplexKey(written) if isinstance(written, Written) and not is_simple_key(node.text) else written


def _scalar(node: Node) -> str:
    text = node.text
    if node.tag and node.tag not in {"!", "!!str"}:
        return Written(f"{node.tag} {verbatim(text)}")
    match node.style:
        case "":
            return Written(text)
        case "'":
            quoted = single_quoted(text)
            return Written(quoted) if verbatim(text) in {text, quoted} else text
        case '"' if "\n" not in text:
            from talos_resources.codec.goyaml.emit import double_quoted

            return Written(double_quoted(text))
        case _:
            return text
