"""Resources as plain values, with the spec that their node wrote."""

from __future__ import annotations

import functools
from typing import Any, Final

from talos_resources.codec.fields import cached, fields_of
from talos_resources.codec.plain import metadata_to_plain, spec_to_plain
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.resource import Resource
from talos_resources.model.sent import has_message, sent_yaml

_AGAIN: Final = 64
_SHORT: Final = 100
"""Of characters: reading such a YAML takes no longer than reading a message and writing it, 40 µs."""
_otherwise: Final[dict[str, int]] = {}
"""By type, how many resources in a row their nodes wrote otherwise than our class does, as those of another release do."""


def shown_spec(resource: Resource[Any]) -> Any:
    """The spec of a resource as plain values, as its node wrote it.

    Raises:
        DecodeError: the YAML that a node sent is broken.
    """
    sent = sent_yaml(resource)
    if sent == "{}\n":
        return {}
    # Of what came as YAML alone the class knows no more than the YAML says.
    if sent is None or (has_message(resource) and len(sent) > _SHORT and _is_quicker(resource.type) and _is_ours(resource, sent)):
        return spec_to_plain(resource.spec)
    from talos_resources.codec.goyaml.read import load

    return load(sent, source="spec")


def shown(resource: Resource[Any]) -> dict[str, Any]:
    """A resource as `{"metadata": …, "spec": …}`, as talosctl's `-o json` has it.

    Raises:
        DecodeError: the YAML that a node sent is broken.
    """
    return {"metadata": metadata_to_plain(resource), "spec": shown_spec(resource)}


@functools.lru_cache
def _is_quicker(type: str) -> bool:
    """Whether the specs of a type are read from a message and written in less time than their YAML is read in."""
    kind = typed_kind(type)
    return kind is not None and not _is_free(kind.spec)


@cached
def _is_free(cls: type[Any]) -> bool:
    """Whether a class holds plain values without a form, which are written no faster than they are read."""
    return any(
        not info.key or info.shape == "free" or info.form == "yaml" or (info.shape == "message" and (info.mapping or _is_free(info.cls)))
        for info in fields_of(cls)
    )


def _is_ours(resource: Resource[Any], sent: str) -> bool:
    """Whether the class writes the very text: reading a message and writing is many times faster than reading YAML."""
    # What no node has sent is shown without the YAML writer, which takes as long to load as everything else that a table needs.
    from talos_resources.codec.yamltext import spec_text

    otherwise = _otherwise.get(resource.type, 0)
    try:
        # After the first, second, fourth… in a row that is not, and then now and again.
        tried = otherwise & (otherwise - 1) == 0 or otherwise % _AGAIN == 0
        ours = tried and sent == (spec_text(resource.spec) or "{}\n")
    except DecodeError:
        ours = False
    _otherwise[resource.type] = 0 if ours else otherwise + 1
    return ours
