"""Contexts out of the nodes of a YAML document, or out of the plain form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from immutabledict import immutabledict

from talos_resources.model.errors import DecodeError
from talos_resources.talosconfig.context import Context
from talos_resources.talosconfig.plain_form import Fields

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node


def context_of_plain(name: str, fields: Fields) -> Context:
    """A context in talosctl's own form; see `plain_form`."""
    return Context(
        name=name,
        endpoints=tuple(fields.get("endpoints", ())),
        nodes=tuple(fields.get("nodes", ())),
        ca_base64=str(fields.get("ca", "")),
        crt_base64=str(fields.get("crt", "")),
        key_base64=str(fields.get("key", "")),
        cluster=str(fields.get("cluster", "")),
        proxy_url=str(fields.get("proxy-url", "")),
    )


def context_of(name: str, node: Node, source: str) -> Context:
    """A context of any YAML.

    Raises:
        DecodeError: lists where names belong, or the other way round.
    """
    fields = fields_of(node, source)

    def text(key: str) -> str:
        return text_of(fields.get(key), source)

    target = text("target")
    return Context(
        name=name,
        # `target` is what very old files call the endpoint.
        endpoints=(*texts_of(fields.get("endpoints"), source), *((target,) if target else ())),
        nodes=texts_of(fields.get("nodes"), source),
        ca_base64=text("ca"),
        crt_base64=text("crt"),
        key_base64=text("key"),
        auth=immutabledict(
            {
                scheme: immutabledict({key: text_of(item, source) for key, item in fields_of(part, source).items()})
                for scheme, part in fields_of(fields.get("auth"), source).items()
            }
        ),
        cluster=text("cluster"),
        proxy_url=text("proxy-url"),
    )


def fields_of(node: Node | None, source: str) -> dict[str, Node]:
    """The keys of a mapping with their nodes; `<<` brings in what the mapping itself does not have."""
    if node is None or node.is_null:
        return {}
    _expect(node, "mapping", source)
    from talos_resources.codec.goyaml.values import pairs_of

    fields: dict[str, Node] = {}
    for key, value in pairs_of(node, source=source):
        _expect(key, "scalar", source)
        fields[key.text] = value
    return fields


def texts_of(node: Node | None, source: str) -> tuple[str, ...]:
    """A list of scalars; nothing is an empty one, and an item of nothing is none."""
    if node is None or node.is_null:
        return ()
    _expect(node, "sequence", source)
    return tuple(text_of(item, source) for item in node.items if not item.is_null)


def text_of(node: Node | None, source: str) -> str:
    """A scalar as it is written: a name such as 0123 is no number here."""
    if node is None or node.is_null:
        return ""
    _expect(node, "scalar", source)
    return node.text


def _expect(node: Node, kind: str, source: str) -> None:
    if node.kind != kind:
        raise DecodeError(f"a {kind} belongs here, not a {node.kind}", source=_at(source, node))


def _at(source: str, node: Node) -> str:
    return f"{source}:{node.line}"
