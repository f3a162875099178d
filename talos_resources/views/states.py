"""The colours of link states, wherever there are colours."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

COLOURS: Final = MappingProxyType({"up": "green", "down": "red", "unknown": "yellow", "absent": "magenta"})
"""State → the name of its colour, for terminals and for CSS."""


def state_column(headings: Sequence[str]) -> int | None:
    """The index of the column that holds a state, if there is one."""
    return list(headings).index("STATE") if "STATE" in headings else None
