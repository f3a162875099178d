"""A file that ends early: its last resource looks like one that has less to say."""

from __future__ import annotations

import re
from typing import Final

from talos_resources.sources.documents import START, Entry, unread

_FULL: Final = "KubeSpanPeerStatuses.kubespan.talos.dev"
"""Of this type every field is always written."""

_FIELD: Final = re.compile(r"^ {2,4}([A-Za-z]\w*):", re.MULTILINE)


def without_cut_end(entries: list[Entry], data: bytes) -> list[Entry]:
    """With the last resource marked as unreadable if its text ends early: the one before it of its type says more.

    A status without its last lines would be one that never had a handshake.
    """
    if len(entries) < 2 or not _is_cut_short(entries[-2], entries[-1], data):
        return entries
    *whole, last = entries
    return [*whole, unread(whole[-1], last.node, last.resource.id or "the last")]


def _is_cut_short(before: Entry, last: Entry, data: bytes) -> bool:
    if not last.resource.id:
        return before.resource.type.startswith(last.resource.type)
    if last.resource.type != before.resource.type or (data.endswith(b"\n") and last.resource.type != _FULL):
        return False  # of other types a node leaves out what is empty
    *_, previous, end = ["", "", *data.decode("utf-8", "replace").replace("\r\n", "\n").rsplit(f"\n{START}", 2)]
    return _fields(end) < _fields(previous)


def _fields(document: str) -> frozenset[str]:
    """The names of the fields of the spec in a document."""
    return frozenset(_FIELD.findall(document.partition("\nspec:")[2]))
