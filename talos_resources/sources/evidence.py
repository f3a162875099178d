"""All that `doctor` looks at: what nodes hold, their logs, and their past where the source keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, runtime_checkable

import attrs

from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.kind import kind_of, own_names
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanConfig, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, Member
from talos_resources.sources.folders import CUT_SHORT, LOG, SUMMARY, NodeFolder
from talos_resources.sources.logs import known_lines, server_version
from talos_resources.sources.parallel import Nodes, Track, each
from talos_resources.sources.past import past_of
from talos_resources.sources.snapshots import snapshot_of, view_of

_TYPES: Final = {
    kind_of(spec).type.lower(): kind_of(spec).type
    for spec in (Affiliate, KubeSpanConfig, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, Member)
}


@runtime_checkable
class _OfFiles(Protocol):
    """A cluster that may be one of files."""

    def folder(self, node: str) -> NodeFolder | None: ...


def evidence(
    cluster: Nodes,
    nodes: Sequence[str] = (),
    *,
    track: Track = iter,
    track_past: Callable[[Sequence[str]], Iterable[str]] = iter,
    since: Timestamp | None = None,
) -> Snapshot:
    """What some nodes of a cluster hold, and held; those that do not answer are named.

    Args:
        cluster: any.
        nodes: their names; all nodes without any.
        track: see `snapshots.views`.
        track_past: see `past_of`.
        since: see `past_of`.

    Raises:
        ConfigError: there is no such node.
        TalosResourcesError: not one node answered.
    """
    wanted = cluster.select(nodes) if nodes else cluster.nodes
    found = snapshot_of(dict(track(each(wanted, lambda node: _view(cluster, node), cluster.at_once))))
    return attrs.evolve(found, past=past_of(cluster, [view.node for view in found.views], since=since, track=track_past))


def _view(cluster: Nodes, node: str) -> NodeView:
    """What a node holds; of a folder with a broken file what can be read."""
    folder = cluster.folder(node) if isinstance(cluster, _OfFiles) else None
    if folder is None:
        return view_of(cluster.state(node), node, full=True)
    state = folder.readable()
    view = view_of(state, node, full=True)
    unreadable = {**view.unreadable, **{_TYPES.get(name, name): reason for name, reason in state.faults.items()}}
    unreadable |= dict.fromkeys(folder.missing(own_names(), state), CUT_SHORT)
    version = server_version(folder.text(SUMMARY)) or view.version
    log, is_whole = known_lines(folder.text(LOG)), view.is_whole and not folder.is_cut
    return attrs.evolve(view, unreadable=unreadable, log=log, version=version, is_whole=is_whole)
