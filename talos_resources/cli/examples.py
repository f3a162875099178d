"""The examples of the top-level help."""

from __future__ import annotations

from typing import Final

TOP: Final = (
    "get kubespanpeerstatuses",
    "get members -n 10.0.0.1 --talosconfig ./talosconfig",
    "get kubespanpeerspecs --from support.zip -o yaml",
    "explain kubespanpeerstatus.state",
)
