"""Resources whose addresses somebody has replaced by hand, such as `49.13.x.x`: what else they say still counts."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from talos_resources.insight.snapshot import Hidden
from talos_resources.model.errors import DecodeError
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UnreadableSpec

S = TypeVar("S")

_ADDRESSES: Final = re.compile(
    r"(?:^|\.)(?:endpoint|lastUsedEndpoint|address|subnet|(?:endpoints|addresses|allowedIPs|additionalAddresses)\[\d+\])$"
)
"""The fields of KubeSpan and discovery that hold addresses."""
_PORT: Final = re.compile(r":(\d{1,5})$")


def without_hidden_addresses(resource: Resource[S], spec: UnreadableSpec) -> tuple[Resource[S], Hidden] | None:
    """The resource without those of its addresses that are none, and what is known of these.

    Args:
        resource: that could not be read.
        spec: as it is written.

    Returns:
        None if anything else is wrong with it.
    """
    from talos_resources.codec.plain import resource_from_plain, resource_to_plain
    from talos_resources.codec.text import documents_from_yaml

    try:
        plain = next(iter(documents_from_yaml(spec.yaml, source=resource.id)), None)
        document = {"metadata": resource_to_plain(resource)["metadata"], "spec": plain}
        port = _PORT.search(str(plain.get("endpoint", ""))) if isinstance(plain, dict) else None
        paths = _faults(document)
        for path in reversed(paths):  # the last of a list first
            if not _ADDRESSES.search(path):
                return None
            _take_out(document, path)
        hidden = Hidden(any("ndpoint" in path for path in paths), int(port[1]) if port else None)
        return resource_from_plain(document, source=resource.id), hidden
    except DecodeError:
        return None


def _faults(document: Any) -> list[str]:
    """The paths of what cannot be read."""
    from talos_resources.codec.plain import resource_from_plain

    try:
        resource_from_plain(document)
    except DecodeError as error:
        return [path for path, _ in error.faults]
    return []


def _take_out(document: Any, path: str) -> None:
    *above, last = [int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", path)]
    for part in above:
        document = document[part]
    del document[last]
