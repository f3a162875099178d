"""What changes of resources mean for the mesh."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from talos_resources.insight.changes import ResourceChange
from talos_resources.resources import KubeSpanPeerStatus, PeerState


@attrs.frozen(kw_only=True)
class MeshChanges:
    """What happened to the links of a mesh; each link counts once for each side that sees it.

    Attributes:
        went_down: that are down and were not.
        came_up: that are up and were not.
        endpoints_moved: whose peer is reached at another endpoint.
        receive_bytes: that flowed in; a counter that began anew counts from 0.
        transmit_bytes: that flowed out.
        came: resources that were not there.
        went: resources that are not there any more.
        changed: resources in which more than counters changed.
    """

    went_down: int = 0
    came_up: int = 0
    endpoints_moved: int = 0
    receive_bytes: int = 0
    transmit_bytes: int = 0
    came: int = 0
    went: int = 0
    changed: int = 0

    def text(self, *, nodes: int) -> str:
        """The counts that are not 0, in words."""
        words = [
            (self.went_down, "link went down", "links went down"),
            (self.came_up, "link came up", "links came up"),
            (self.endpoints_moved, "endpoint moved", "endpoints moved"),
            (self.came, "resource came", "resources came"),
            (self.went, "resource went", "resources went"),
            (self.changed, "resource changed", "resources changed"),
        ]
        said = [f"{count} {one if count == 1 else many}" for count, one, many in words if count]
        flowed = f"{_size(self.receive_bytes)} received, {_size(self.transmit_bytes)} sent"
        return f"{nodes} {'node' if nodes == 1 else 'nodes'}: {', '.join([*(said or ['nothing changed']), flowed])}"


def summarise(changes: Iterable[ResourceChange]) -> MeshChanges:
    """Counts what happened."""
    counts = dict.fromkeys((field.name for field in attrs.fields(MeshChanges)), 0)
    for change in changes:
        counts["came"] += change.change == "created"
        counts["went"] += change.change == "destroyed"
        counts["changed"] += change.change == "updated" and not change.is_noise
        if change.change != "updated" or not isinstance(change.resource.spec, KubeSpanPeerStatus):
            continue
        for field in change.fields:
            match field.path:
                case "state":
                    counts["went_down"] += field.new == PeerState.DOWN.value
                    counts["came_up"] += field.new == PeerState.UP.value
                case "endpoint":
                    counts["endpoints_moved"] += bool(field.old and field.new)
                case "receiveBytes":
                    counts["receive_bytes"] += _grown(field.old, field.new)
                case "transmitBytes":
                    counts["transmit_bytes"] += _grown(field.old, field.new)
                case _:
                    pass
    return MeshChanges(**counts)


def _grown(old: int | None, new: int | None) -> int:
    before, now = old or 0, new or 0
    return now - before if now >= before else now


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
