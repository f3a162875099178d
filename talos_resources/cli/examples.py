"""The examples of the top-level help."""

from __future__ import annotations

from typing import Final

TOP: Final = (
    "get kubespanpeerstatuses",
    "get members -o yaml",
    "explain kubespanpeerstatus.state",
)
