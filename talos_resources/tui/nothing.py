"""What stands in a tab where nothing else does: that there is nothing, or why nothing is known."""

from __future__ import annotations

from talos_resources.model.printable import printable
from talos_resources.model.timestamp import Timestamp
from talos_resources.tui.live import Live
from talos_resources.views.changes import clock


def unknown(live: Live) -> str:
    """Why nothing is known of the nodes; empty where something is."""
    if reading := live.reading():
        return f"reading {reading} of {len(live.nodes)} nodes …"
    troubles = live.troubles()
    if len(troubles) < len(live.nodes):
        return ""
    return f"nothing is known: {printable(next(iter(troubles.values())))}"


def no_peers(live: Live) -> str:
    """Of the tab of peers."""
    return unknown(live) or "no node knows a peer: KubeSpan is off, or the source has no KubeSpanPeerStatuses"


def no_events(began: Timestamp, span: tuple[Timestamp, Timestamp] | None, moment: str) -> str:
    """Of the tab of events.

    Args:
        began: when the nodes began to be followed.
        span: of a recording, of which what was before that is known too.
        moment: of a recording, in words; empty for the present.
    """
    if span is not None:
        return f"nothing is recorded{f' until {moment}' if moment else ''} but what changes counters alone"
    return f"nothing has happened since {clock(began)}, when this began to look (what changes counters alone is not told)"
