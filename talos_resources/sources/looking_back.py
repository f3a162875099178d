"""What clusters can tell of their past, where their source keeps it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from talos_resources.model.errors import ConfigError, QueryError, UnknownNameError, UnsupportedError
from talos_resources.model.timestamp import Timestamp

if TYPE_CHECKING:
    import datetime as dt

    from talos_resources.backends.sqlite.periods import Coverage
    from talos_resources.backends.sqlite.series import Series
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.insight.changes import ResourceChange
    from talos_resources.model.kind import Kind
    from talos_resources.sources.difference import Difference
    from talos_resources.sources.parallel import Nodes
    from talos_resources.state.contract import State

S = TypeVar("S")


def recorded(nodes: Nodes, node: str) -> SqliteState:
    """The recording of a node.

    Raises:
        UnsupportedError: the source keeps no past.
    """
    from talos_resources.backends.sqlite.state import SqliteState

    state = nodes.state(node)
    if not isinstance(state, SqliteState):
        raise UnsupportedError(f"{nodes.source} keeps no past; `record --to sqlite:FILE` keeps it, then name that file with --from")
    return state


def covering(
    nodes: Nodes, names: Sequence[str], begin: Timestamp | None, end: Timestamp, *, now: Timestamp
) -> tuple[dict[str, tuple[SqliteState, Coverage]], tuple[str, ...]]:
    """What the recordings of nodes have of a span.

    Args:
        nodes: the source.
        names: which of its nodes.
        begin: None for as far back as there is data.
        end: not before `begin`.
        now: for messages.

    Returns:
        By node, without those that have nothing of the span; and a line for each thing that is missing.

    Raises:
        UnsupportedError: the source keeps no past.
        ConfigError: no node has anything of the span.
    """
    from talos_resources.backends.sqlite.periods import covered
    from talos_resources.views.coverage import missing_text, span_text

    found: dict[str, tuple[SqliteState, Coverage]] = {}
    notes: dict[str, list[str]] = {}
    spans: dict[str, list[str]] = {}
    for node in names:
        state = recorded(nodes, node)
        periods = state.periods(now=now)
        start = begin if begin is not None else periods[0].began if periods else end
        coverage = covered(periods, start, end)
        if coverage is None:
            spans.setdefault(span_text(periods, now=now), []).append(node)
            continue
        found[node] = state, coverage
        if text := missing_text(coverage, start, end, now=now):
            notes.setdefault(text, []).append(node)
    if not found:
        parts = [text if len(spans) == 1 else f"of {', '.join(of)} {text}" for text, of in spans.items()]
        raise ConfigError(f"{nodes.source} has no data of that time; {'; '.join(parts)}")
    told = (*notes.items(), *((f"nothing; {text}", of) for text, of in spans.items()))
    whose = {text: "" if len(of) == len(names) else f" of {', '.join(of)}" for text, of in told}
    return found, tuple(f"what {nodes.source} has{of}: {text}" for text, of in whose.items())


def difference(
    nodes: Nodes, names: Sequence[str], begin: Timestamp, end: Timestamp, *, now: Timestamp, types: Sequence[str] = ()
) -> Difference:
    """What changed between two moments.

    Args:
        nodes: the source.
        names: which of its nodes.
        begin: the earlier moment.
        end: the later one.
        now: for messages.
        types: names of the types to look at; none for all.

    Raises:
        QueryError: the moments are the wrong way round.
        UnknownKindError: no such type.
        UnsupportedError, ConfigError: as `covering`.
    """
    from talos_resources.insight.changes import resource_changes
    from talos_resources.sources.difference import Difference

    if begin > end:
        raise QueryError(f"{begin} comes after {end}; give the earlier moment first")
    known, notes = covering(nodes, names, begin, end, now=now)
    changes: list[ResourceChange] = []
    for node, (state, part) in known.items():
        kinds = [state.kind(name) for name in types] or [state.kind(name) for _, name in state.held_kinds(ever=True)]
        before, after = (
            [resource for kind in kinds for resource in past.list(kind)] for past in (state.at(part.begin), state.at(part.end))
        )
        changes += resource_changes(node, before, after)
    parts = [part for _, part in known.values()]
    return Difference(
        begin=min(part.begin for part in parts),
        end=max(part.end for part in parts),
        nodes=tuple(known),
        asked=len(names),
        changes=tuple(changes),
        notes=notes,
    )


class LooksBack(ABC):
    """The questions to a cluster about its past."""

    source: str
    at_once: int
    nodes: tuple[str, ...]

    @abstractmethod
    def select(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """The nodes to work on, under the names that were asked for."""

    @abstractmethod
    def state(self, node: str) -> State:
        """The state of a node."""

    def diff(
        self,
        begin: str | Timestamp | dt.datetime,
        end: str | Timestamp | dt.datetime = "now",
        *nodes: str,
        types: Sequence[str] = (),
    ) -> Difference:
        """What changed between two moments: print it, or take its records.

        Args:
            begin: the earlier moment: `-2h`, `02:14`, `2026-11-26 02:14:31` (UTC), a `Timestamp` or an aware datetime.
            end: the later one.
            nodes: their names; all of them without any.
            types: names of the types to look at, such as `members`; none for all that is recorded.

        Raises:
            QueryError: no moment, or the later one first.
            UnsupportedError: the source knows the present only; `record` keeps its past.
            ConfigError: there is no such node, or no data of that time.
        """
        from talos_resources.state.when import moment_of

        now = Timestamp(time.time_ns())
        return difference(self, _names(self, nodes), moment_of(begin, now=now), moment_of(end, now=now), now=now, types=types)

    def series(
        self,
        kind: type[S] | Kind[S],
        field: str,
        *nodes: str,
        every: str | dt.timedelta = "1m",
        since: str | Timestamp | dt.datetime | None = None,
        until: str | Timestamp | dt.datetime | None = None,
        id: str | None = None,
        label: str | None = None,
        namespace: str | None = None,
        rate: bool = False,
    ) -> Series:
        """A field of the resources of a kind over time, of several nodes; see `talos_resources.backends.sqlite.series.Series`.

        Args:
            kind: a resource class or a Kind.
            field: its name; `kubespan.public_key` for one of a structure.
            nodes: their names; all of them without any.
            every: the time between two samples, `1m`, `90s`, `1h30m` or `1d`.
            since: the moment to begin with, as for `diff`; None for as far back as there is data.
            until: the last moment; None for as long as there is data.
            id: only this resource.
            label: only what people call so now; nodes that have nothing of that name are left out, as a node has no peer of its own.
            namespace: instead of the kind's own.
            rate: differences for each second, of counters.

        Raises:
            QueryError: no such field, moment or length, or too many samples, or the later moment first.
            UnknownNameError: no node has anything of that label.
            UnsupportedError: the source knows the present only; `record` keeps its past.
            ConfigError: there is no such node, or no data of that time.
        """
        import attrs

        from talos_resources.state.when import moment_of

        now = Timestamp(time.time_ns())
        names = _names(self, nodes)
        first = None if since is None else moment_of(since, now=now)
        last = None if until is None else moment_of(until, now=now)
        if first is not None and first > (last or now):
            raise QueryError(f"{first} comes after {last or now}; give the earlier moment first")
        known, _ = covering(self, names, first, last or now, now=now)
        begin = first or min(part.begin for _, part in known.values())
        end = last or max(part.end for _, part in known.values())
        parts, unnamed = [], []
        for state, _ in known.values():
            try:
                parts.append(
                    state.series(kind, field, every=every, since=begin, until=end, id=id, label=label, namespace=namespace, rate=rate)
                )
            except UnknownNameError as error:
                unnamed.append(error)
        if not parts:
            raise unnamed[0]
        return attrs.evolve(parts[0], lines=tuple(line for part in parts for line in part.lines))


def _names(nodes: LooksBack, given: Sequence[str]) -> Sequence[str]:
    return nodes.select(given) if given else nodes.nodes
