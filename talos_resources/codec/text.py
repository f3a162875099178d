"""Resources ↔ YAML and JSON text, as `talosctl get -o yaml` and `-o json` print them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve

from talos_resources.codec.fields import cached, fields_of
from talos_resources.codec.goyaml.emit import Written, dump, dump_entry, scalar, verbatim
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.codec.plain import metadata_to_plain, resource_from_plain
from talos_resources.codec.shown import shown
from talos_resources.codec.value_text import clock_text
from talos_resources.codec.yamltext import spec_text
from talos_resources.model.errors import DecodeError
from talos_resources.model.resource import Resource
from talos_resources.model.sent import sent_yaml
from talos_resources.model.spec import UntypedSpec
from talos_resources.releases import NEWEST
from talos_resources.releases.release import YamlStyle

_NO_HEAD: Final[Mapping[str, str]] = {}
STYLE: Final = NEWEST.yaml
"""How we print where no other talosctl is asked for."""
# Keys and short plain values, each on a line of its own: what Go would write again as it stands.
_PLAIN: Final = r"[A-Za-z0-9_./+=@-]+(?::[A-Za-z0-9_./+=@-]+)*"
_SIMPLE: Final = re.compile(
    rf'(?:\x20*(?:-\x20)*[A-Za-z0-9_./-]+:(?:\x20(?:{_PLAIN}|""|\[\]|\{{\}}))?\n|\x20+(?:-\x20)+(?:{_PLAIN}|"")\n)+'
)
_OF_TALOSCTL: Final = frozenset({"Namespaces.meta.cosi.dev", "ResourceDefinitions.meta.cosi.dev"})
_BREAK, _DEEPER = "\n", "\n    "


def spec_to_yaml(spec: Any, *, style: YamlStyle = STYLE) -> str:
    """The YAML of a spec, with a newline at its end; that of an untyped spec as it came.

    Args:
        spec: to write.
        style: of the release of a node that would write it.
    """
    return spec.yaml if isinstance(spec, UntypedSpec) else spec_text(spec, style=style) or "{}\n"


def _entry(resource: Resource[Any], style: YamlStyle) -> str:
    """What follows `spec:`; what a node wrote is written anew, in Go's form."""
    width, written = style.get_width, sent_yaml(resource)
    if written is None and isinstance(resource.spec, UntypedSpec):
        written = resource.spec.yaml
    if written is None:
        spec = resource.spec
        text = spec_text(spec, column=4, style=style)
        if not _is_scalar(type(spec)) and (width is None or max(map(len, text.split(_BREAK))) <= width):
            return f"\n{text}" if text else " {}\n"
        written = spec_text(spec, style=style)
    elif _is_simple(written) and (width is None or max(map(len, written.splitlines())) <= width - 4):
        return f"\n    {written[:-1].replace(_BREAK, _DEEPER)}\n"
    from talos_resources.codec.goyaml.rewrite import rewrite_entry

    return rewrite_entry(written, key="spec", style=style, width=width, source="spec")


@cached
def _is_scalar(cls: type[Any]) -> bool:
    """Whether YAML shows a class as a mere text, which stands behind the colon."""
    return any(info.key == "" and info.shape in {"enum", "text"} for info in fields_of(cls))


def _is_simple(text: str) -> bool:
    nested = text.find("\n ") + 1
    return _SIMPLE.fullmatch(text) is not None and (not nested or (text.startswith(" " * 4, nested) and text[nested + 4] != " "))


def resource_to_yaml(
    resource: Resource[Any], *, head: Mapping[str, str] = _NO_HEAD, style: YamlStyle = STYLE, talosctl: bool = False
) -> str:
    """One document, without `---`, with a newline at its end.

    Metadata is written plain where YAML's syntax allows it and the text reads back as the same text.

    Args:
        resource: what to print.
        head: lines before the metadata, such as `node` and `event`.
        style: of the talosctl that prints; the quotes of a spec that a node wrote are the node's, those of
            a spec that was made here its own too.
        talosctl: exactly as talosctl: annotations and labels without quotes although they read back as another
            type, and definitions and namespaces without what its own class does not know.

    Raises:
        DecodeError: the YAML of the spec that a node sent is broken.
    """
    if talosctl:
        resource = _as_read(resource)
    lines = [f"{key}: {scalar(value)}\n" for key, value in head.items()]
    lines.append(_metadata(resource, style, bare=talosctl))
    lines += ("spec:", _entry(resource, style))
    return "".join(lines)


def _metadata(resource: Resource[Any], style: YamlStyle, *, bare: bool) -> str:
    metadata, width = resource.metadata, style.get_width
    names = f"{metadata.namespace}{metadata.type}{metadata.id}{metadata.owner}"
    if not names.isascii() or " " in names or _BREAK in names:  # which may be folded
        plain = metadata_to_plain(resource)
        if bare:
            plain |= {key: _bare(plain[key]) for key in ("labels", "annotations") if key in plain}
        text = dump({"metadata": plain}, style=style, width=width)
        return text.replace("\n    owner: null\n", "\n    owner:\n", 1) if plain["owner"] is None else text
    owner = f" {scalar(metadata.owner)}" if metadata.owner else ""
    text = (
        f"metadata:\n    namespace: {scalar(metadata.namespace)}\n    type: {scalar(metadata.type)}\n    id: {scalar(metadata.id)}\n"
        f"    version: {metadata.version or 'undefined'}\n    owner:{owner}\n    phase: {metadata.phase}\n"
        f"    created: {clock_text(metadata.created, whole_seconds=True)}\n"
        f"    updated: {clock_text(metadata.updated, whole_seconds=True)}\n"
    )
    for key, named in (("labels", metadata.labels), ("annotations", metadata.annotations)):
        if named:
            entries = dict(sorted(named.items()))
            text += f"    {key}:{dump_entry(_bare(entries) if bare else entries, key=key, column=4, style=style, width=width)}"
    if metadata.finalizers:
        text += f"    finalizers:{dump_entry(metadata.finalizers, key='finalizers', column=4, style=style, width=width)}"
    return text


def _bare(texts: Mapping[str, str]) -> dict[str, Written]:
    return {key: Written(verbatim(text)) for key, text in texts.items()}


def _as_read(resource: Resource[Any]) -> Resource[Any]:
    """What talosctl has a class of itself, as it reads it: with what the class knows."""
    if resource.type not in _OF_TALOSCTL or isinstance(resource.spec, UntypedSpec):
        return resource
    return Resource(resource.metadata, evolve(resource.spec, unknown=None))


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


def resource_to_json(resource: Resource[Any], *, head: Mapping[str, str] = _NO_HEAD, talosctl: bool = False) -> str:
    """One document as talosctl prints it: indent 4, keys sorted, without a newline at its end.

    Args:
        resource: what to print.
        head: see `resource_to_yaml`.
        talosctl: see `resource_to_yaml`; what is not in quotes there is no text here.

    Raises:
        DecodeError: the YAML of the spec that a node sent is broken, or holds what JSON cannot, as NaN.
    """
    from talos_resources.codec import gojson

    plain = shown(_as_read(resource) if talosctl else resource)
    if talosctl:
        metadata = plain["metadata"]
        metadata |= {key: {k: resolve(v) for k, v in metadata[key].items()} for key in ("labels", "annotations") if key in metadata}
    try:
        return gojson.dumps({**head, **plain})
    except TypeError as error:
        raise DecodeError(str(error), source=f"{resource.type} {resource.id}") from None


def resource_from_json(data: bytes | str, *, source: str = "") -> Resource[Any]:
    """Reads one document as `resource_to_json` and talosctl write it.

    Raises:
        DecodeError: with every fault and its path, or the line where it is no JSON.
    """
    from talos_resources.codec import gojson

    return resource_from_plain(gojson.loads(data, source=source), source=source)
