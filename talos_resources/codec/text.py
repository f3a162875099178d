"""Resources ↔ YAML and JSON text, as `talosctl get -o yaml` and `-o json` print them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from talos_resources.codec.goyaml.emit import dump, scalar
from talos_resources.codec.plain import metadata_to_plain, resource_from_plain, resource_to_plain
from talos_resources.codec.value_text import clock_text
from talos_resources.codec.yamltext import spec_text
from talos_resources.model.errors import DecodeError
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec

_NO_HEAD: Final[Mapping[str, str]] = {}


def spec_to_yaml(spec: Any) -> str:
    """The YAML of a spec, with a newline at its end; that of an untyped spec as it came."""
    return spec.yaml if isinstance(spec, UntypedSpec) else spec_text(spec)


def _entry(spec: Any) -> str:
    """What follows `spec:`; an untyped spec is written anew, in Go's form."""
    if isinstance(spec, UntypedSpec):
        from talos_resources.codec.goyaml.rewrite import rewrite_entry

        return rewrite_entry(spec.yaml, source="spec")
    return f"\n{spec_text(spec, column=4)}"


def resource_to_yaml(resource: Resource[Any], *, head: Mapping[str, str] = _NO_HEAD) -> str:
    """One document, without `---`, with a newline at its end.

    Metadata is written plain where YAML's syntax allows it and the text reads back as the same text.

    Args:
        resource: what to print.
        head: lines before the metadata, such as `node` and `event`.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
    """
    lines = [f"{key}: {scalar(value)}\n" for key, value in head.items()]
    lines.append(_metadata(resource))
    lines += ("spec:", _entry(resource.spec))
    return "".join(lines)


def _metadata(resource: Resource[Any]) -> str:
    metadata = resource.metadata
    if metadata.labels or metadata.annotations or metadata.finalizers:
        plain = metadata_to_plain(resource)
        text = dump({"metadata": plain})
        return text.replace("\n    owner: null\n", "\n    owner:\n", 1) if plain["owner"] is None else text
    owner = f" {scalar(metadata.owner)}" if metadata.owner else ""
    return (
        f"metadata:\n    namespace: {scalar(metadata.namespace)}\n    type: {scalar(metadata.type)}\n    id: {scalar(metadata.id)}\n"
        f"    version: {metadata.version or 'undefined'}\n    owner:{owner}\n    phase: {metadata.phase}\n"
        f"    created: {clock_text(metadata.created, whole_seconds=True)}\n"
        f"    updated: {clock_text(metadata.updated, whole_seconds=True)}\n"
    )


def resource_from_yaml(data: bytes | str, *, source: str = "") -> Resource[Any]:
    """Reads one document as `resource_to_yaml` and talosctl write it.

    Raises:
        DecodeError: with every fault and its path; no document, or several.
    """
    documents = list(documents_from_yaml(data, source=source))
    if len(documents) != 1:
        raise DecodeError(f"expected one resource, found {len(documents)}", source=source)
    return resource_from_plain(documents[0], source=source)


def documents_from_yaml(data: bytes | str, *, source: str = "") -> Iterator[Any]:
    """The documents of a text as plain values for `resource_from_plain`.

    Two things are kept that plain reading loses: metadata is text however it is written (talosctl does
    not quote a label `true`), and the spec of a type that has no class stays as it is written.

    Raises:
        DecodeError: no YAML; `source` has the line.
    """
    from talos_resources.codec.documents import documents

    return documents(data, source=source)


def resource_to_json(resource: Resource[Any], *, head: Mapping[str, str] = _NO_HEAD) -> str:
    """One document as talosctl prints it: indent 4, keys sorted, without a newline at its end.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
    """
    from talos_resources.codec import gojson

    return gojson.dumps({**head, **resource_to_plain(resource)})


def resource_from_json(data: bytes | str, *, source: str = "") -> Resource[Any]:
    """Reads one document as `resource_to_json` and talosctl write it.

    Raises:
        DecodeError: with every fault and its path, or the line where it is no JSON.
    """
    from talos_resources.codec import gojson

    return resource_from_plain(gojson.loads(data, source=source), source=source)
