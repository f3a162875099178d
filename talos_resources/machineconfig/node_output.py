"""The configuration inside of what `talosctl get machineconfig -o yaml|json` prints: it is in the resource's spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from talos_resources.model.errors import ConfigError, DecodeError

_TYPE: Final = "MachineConfigs.config.talos.dev"
_PREFERRED: Final = ("v1alpha1", "persistent")
"""The one that is in force goes before the one on the disk."""


@attrs.frozen
class Unwrapped:
    """A configuration and where it was.

    Attributes:
        text: the configuration.
        note: says that it was taken out of a resource, for the user; empty if it was not.
    """

    text: bytes | str = attrs.field(repr=False)
    note: str = ""


def unwrapped(data: bytes | str, *, source: str = "") -> Unwrapped:
    """A configuration as it is, or out of the resources that hold it.

    Args:
        data: the content of a file.
        source: its name, for errors and the note.

    Raises:
        ConfigError: resources of several nodes, or one without its configuration.
    """
    name = source or "the input"
    mark = _TYPE.encode() if isinstance(data, bytes) else _TYPE
    if mark not in data:  # type: ignore[operator]  # both are bytes, or both text
        return Unwrapped(data)
    found = [resource for resource in _documents(data, source) if _is_machine_config(resource)]
    if not found:
        return Unwrapped(data)
    nodes = {str(resource.get("node", "")) for resource in found}
    if len(nodes) > 1:
        raise ConfigError(f"{name} holds the configurations of {len(nodes)} nodes ({', '.join(sorted(nodes))}); ask one with -n")
    by_id = {str(resource["metadata"].get("id", "")): resource for resource in found}
    chosen = next((key for key in _PREFERRED if key in by_id), next(iter(by_id)))
    spec = by_id[chosen].get("spec")
    if not isinstance(spec, str) or not spec.strip() or spec.strip() == "<REDACTED>":
        raise ConfigError(f"{name} is a {_TYPE} resource without its configuration; ask for it with `talosctl get mc {chosen} -o yaml`")
    return Unwrapped(spec, f"{name} is what `talosctl get` prints; the configuration is the spec of {chosen}")


def _is_machine_config(resource: Any) -> bool:
    metadata = resource.get("metadata") if isinstance(resource, dict) else None
    return isinstance(metadata, dict) and metadata.get("type") == _TYPE and "spec" in resource


def _documents(data: bytes | str, source: str) -> Iterator[Any]:
    """The values of a text: JSON objects one after the other, as talosctl prints them, or YAML documents."""
    from talos_resources.codec.goyaml.nodes import compose_each, to_text
    from talos_resources.codec.goyaml.values import value_of

    text = to_text(data, source=source)
    if text.lstrip().startswith("{"):
        import json  # few configurations come from it

        decoder, position = json.JSONDecoder(), _blanks_end(text, 0)
        try:
            while position < len(text):
                value, position = decoder.raw_decode(text, position)
                yield value
                position = _blanks_end(text, position)
        except (ValueError, RecursionError):
            pass
        else:
            return
    try:
        for root in compose_each(text, source=source):
            yield value_of(root, source=source)
    except DecodeError:
        return  # whoever reads the text as a configuration says what is wrong with it


def _blanks_end(text: str, position: int) -> int:
    """Where the blanks that begin at a position end."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position
