"""The keys of `top`, once: what `?` shows and the documentation has."""

from __future__ import annotations

from typing import Final

from talos_resources.model.wrapping import folded

KEYS: Final = (
    ("1 … 5, Tab", "mesh, peers, doctor, events, resources; the next tab"),
    ("↑ ↓ ← →, PgUp, PgDn, Home, End", "move; in the mesh from link to link"),
    ("f", "in the mesh: the next link that is not up"),
    ("Enter", "down: from a link or a peer to both ends' resources, from a resource to its YAML, from a finding to all of it"),
    ("Esc", "back; leaves a filter"),
    (":", "go to a type by any of its names, or to a tab; Tab completes"),
    ("/", "filter what is shown, in the mesh rows and after a space columns; Enter keeps the filter, Esc leaves it"),
    ("s, S", "sort by the next column, the other way round; a click on a heading does, too"),
    ("g", "group by node, by state, not at all"),
    ("n", "choose the node whose resources are shown"),
    ("e", "explain the type"),
    ("h", "in a resource: its history, of a recording all of it"),
    ("s", "in a resource: show secrets, hide them again"),
    ("y", "copy the row, the link or the text"),
    ("r", "examine again, in doctor"),
    ("[ ]", "in a recording: a step back, a step on, and at the end the present; the mouse draws the slider"),
    ("?", "this help"),
    ("q, Ctrl-C", "end"),
)
"""Keys and what they do."""


def keys_text(width: int = 72) -> str:
    """The keys as a table for a terminal."""
    lead = 16
    lines = []
    for keys, does in KEYS:
        if len(keys) > lead - 2:
            lines.append(keys)
            keys = ""  # noqa: PLW2901 - what it does stands below
        lines += folded(does, width, lead=f"{keys:{lead}}", under=" " * lead)
    return "\n".join(lines)
