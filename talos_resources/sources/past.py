"""The past of nodes for `doctor`, where the source keeps it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import attrs

from talos_resources.insight.changes import field_changes
from talos_resources.insight.past import Change, LinkPast, Past, Turn
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import kind_of
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    Affiliate,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanIdentity,
    KubeSpanPeerStatus,
)
from talos_resources.sources.parallel import Nodes

if TYPE_CHECKING:
    from talos_resources.backends.sqlite.periods import Period

LOOKED_BACK_S: Final = 24 * 3600
"""So far back a recording is read."""
GAP_S: Final = 600.0
"""Statuses change every 30 s: without any for so long, nobody recorded."""
_TYPES: Final = frozenset(kind_of(spec).type for spec in (KubeSpanPeerStatus, KubeSpanConfig, DiscoveryConfig, KubeSpanIdentity, Affiliate))
_SETTINGS: Final = (KubeSpanConfig, DiscoveryConfig, KubeSpanIdentity)


@runtime_checkable
class _Remembering(Protocol):
    """A state that tells what happened to it."""

    def changes(self, *, since: Timestamp, types: Container[str] | None = None) -> Iterator[Any]: ...

    def span(self) -> tuple[Timestamp, Timestamp] | None: ...

    def periods(self, *, now: Timestamp) -> Sequence[Period]: ...


@attrs.define
class _Link:
    states: list[Turn] = attrs.field(factory=list)
    endpoints: list[tuple[Timestamp, AddrPort]] = attrs.field(factory=list)
    dropped: str | None = None

    def kept(self) -> LinkPast:
        return LinkPast(states=tuple(self.states), endpoints=tuple(self.endpoints), dropped=self.dropped)


def past_of(
    nodes: Nodes, names: Sequence[str], *, since: Timestamp | None = None, track: Callable[[Sequence[str]], Iterable[str]] = iter
) -> Past | None:
    """What happened to some nodes in the last day of their recording; None where the source knows the present only.

    Args:
        nodes: that may have a past.
        names: of those to look at.
        since: from when on, where that is longer ago than a day.
        track: passes the names on as their past is read.
    """
    states = {}
    for name in names:
        with suppress(DecodeError):  # a broken file, of which the rest was read
            state = nodes.state(name)
            if isinstance(state, _Remembering) and not _is_moment(state):
                states[name] = state
    spans = [span for state in states.values() if (span := state.span()) is not None]
    if not spans:
        return None
    until = max(span[1] for span in spans)
    day = Timestamp(until - LOOKED_BACK_S * 1_000_000_000)
    since = max(min(span[0] for span in spans), day if since is None else min(day, since))
    links: dict[tuple[str, str], _Link] = {}
    changes: list[Change] = []
    times: set[int] = set()
    for name in track(tuple(states)):
        for version in states[name].changes(since=since, types=_TYPES):
            times.add(version.at // 60_000_000_000)
            _note(name, version, links, changes)
    kept = {key: link.kept() for key, link in links.items() if _is_eventful(link)}
    return Past(
        since=since, until=until, links=kept, changes=tuple(sorted(changes, key=lambda change: change.at)), gaps=_gaps(sorted(times))
    )


def _is_moment(state: _Remembering) -> bool:
    """Whether a node was written once, as `dump` does: nothing is known of any other time, and nothing was changed since."""
    periods = state.periods(now=Timestamp(time_ns()))
    if len(periods) != 1 or periods[0].began != periods[0].ended:
        return False
    return next(iter(state.changes(since=Timestamp(periods[0].ended + 1), types=_TYPES)), None) is None


def _is_eventful(link: _Link) -> bool:
    return bool(link.states) or len(link.endpoints) > 1 or link.dropped is not None


def _note(name: str, version: Any, links: dict[tuple[str, str], _Link], changes: list[Change]) -> None:
    resource, old = version.resource, version.old
    if isinstance(resource.spec, KubeSpanPeerStatus):
        link = links.setdefault((name, resource.id), _Link())
        link.dropped = resource.spec.state.value if version.change == "destroyed" else None
        if old is not None and isinstance(old.spec, KubeSpanPeerStatus) and old.spec.state is not resource.spec.state:
            link.states.append(Turn(version.at, old.spec.state.value, resource.spec.state.value))
        at = resource.spec.endpoint
        if at is not None and (not link.endpoints or link.endpoints[-1][1] != at):
            link.endpoints.append((version.at, at))
    elif version.change == "updated" and old is not None:
        changes.extend(Change(at=version.at, node=name, what=what) for what in _words(name, resource, old))


def _words(name: str, resource: Any, old: Any) -> Iterable[str]:
    """What changed, without values that are secret."""
    if not isinstance(old.spec, type(resource.spec)):
        return  # one of the two cannot be read
    if isinstance(resource.spec, _SETTINGS):
        for field in field_changes(old, resource):
            if field.path.startswith("metadata"):
                continue
            secret = any(word in field.path.lower() for word in ("secret", "key")) and "public" not in field.path.lower()
            yield f"{resource.type.partition('.')[0]} of {name}: {field.path}" + (
                "" if secret else f" {_text(field.old)} → {_text(field.new)}"
            )
    elif isinstance(resource.spec, Affiliate) and old.spec.operating_system != resource.spec.operating_system:
        yield f"{resource.spec.nodename or resource.id[:12]}: {old.spec.operating_system} → {resource.spec.operating_system}"
    elif isinstance(resource.spec, Affiliate) and (resource.spec.kubespan, old.spec.kubespan) != (None, None):
        before = old.spec.kubespan.endpoints if old.spec.kubespan is not None else ()
        now = resource.spec.kubespan.endpoints if resource.spec.kubespan is not None else ()
        if before != now:
            yield f"{resource.spec.nodename or resource.id[:12]} announces {_listed(now)} instead of {_listed(before)}"


def _listed(endpoints: Iterable[AddrPort | None]) -> str:
    return ", ".join(str(each) for each in endpoints if each is not None) or "nothing"


def _text(value: Any) -> str:
    return "nothing" if value in (None, "", [], ()) else str(value)


def _gaps(minutes: list[int]) -> tuple[tuple[Timestamp, Timestamp], ...]:
    pairs = itertools.pairwise(minutes)
    return tuple((Timestamp(one * 60_000_000_000), Timestamp(other * 60_000_000_000)) for one, other in pairs if (other - one) * 60 > GAP_S)
