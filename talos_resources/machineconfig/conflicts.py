"""Documents that claim one thing: a link, a volume, a virtual address.

Source: Talos v1.12.3 and v1.14.0-rc.1, observed when a configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from talos_resources.machineconfig.document import Document
from talos_resources.model.errors import ConfigError

_GROUPS: Final = (
    frozenset(f"{what}Config" for what in ("Bond", "Bridge", "DummyLink", "Link", "VLAN", "VRF", "Veth", "Wireguard")),
    frozenset({"UserVolumeConfig", "ExistingVolumeConfig"}),
    frozenset({"Layer2VIPConfig", "HCloudVIPConfig"}),
)
"""Of each group one document may have a name."""

_LINKS: Final = _GROUPS[0]


def check_conflicts(documents: Iterable[Document]) -> None:
    """Refuses documents of different kinds that claim one name.

    Raises:
        ConfigError: names both.
    """
    documents = tuple(documents)
    named: dict[tuple[frozenset[str], str], Document] = {}
    for document in documents:
        for group in _GROUPS:
            if document.kind in group:
                first = named.setdefault((group, document.name), document)
                if first.kind != document.kind:
                    raise ConfigError(f"conflicting documents: {_id(first)} and {_id(document)}")
    links: dict[str, Document] = {}
    for document in documents:
        for name in _links(document):
            if name in links:
                pair = f"{_id(links[name])} and {_id(document)}"
                raise ConfigError(f'conflicting link configurations: {pair} both configure "{name}"')
            links[name] = document


def _links(document: Document) -> Iterator[str]:
    """The names of the links that a document makes."""
    if document.kind in _LINKS:
        yield document.name
    peer = document.fields.get("peer", {}).get("name", "") if document.kind == "VethConfig" else ""
    if peer:
        yield peer


def _id(document: Document) -> str:
    return f"{document.kind}/{document.name}"
