"""What a recording tells of the time before the snapshot."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp


@attrs.frozen
class Turn:
    """A moment at which something of a link changed.

    Attributes:
        at: when, by the observer's clock.
        old: before.
        new: since.
    """

    at: Timestamp
    old: str
    new: str


@attrs.frozen(kw_only=True)
class LinkPast:
    """What happened to one direction of a link.

    Attributes:
        states: its changes between up, down and unknown, the oldest first.
        endpoints: where packets were seen to come from or sent to, with the time, the oldest first.
        dropped: the state in which the observer dropped the peer; None while it holds it.
    """

    states: tuple[Turn, ...] = ()
    endpoints: tuple[tuple[Timestamp, AddrPort], ...] = ()
    dropped: str | None = None


@attrs.frozen(kw_only=True)
class Change:
    """Something of a node that changed and is no counter.

    Attributes:
        at: when.
        node: the name under which the node was recorded.
        what: in words, without secrets.
    """

    at: Timestamp
    node: str
    what: str


@attrs.frozen(kw_only=True)
class Past:
    """The history of a mesh.

    Attributes:
        since: from when on there is data.
        until: up to when.
        links: (name of the recorded node, public key of the peer) → what happened.
        changes: of settings, keys, versions and announced endpoints, the oldest first.
        gaps: when nothing was recorded although nodes are recorded before and after, as (from, to).
    """

    since: Timestamp
    until: Timestamp
    links: Mapping[tuple[str, str], LinkPast]
    changes: tuple[Change, ...] = ()
    gaps: tuple[tuple[Timestamp, Timestamp], ...] = ()
