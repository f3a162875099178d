"""Several nodes under their names, each with its own state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, runtime_checkable

from talos_resources.model.errors import ConfigError, UnsupportedError
from talos_resources.model.near import did_you_mean
from talos_resources.sources.looking_back import LooksBack
from talos_resources.sources.parallel import PARALLEL

if TYPE_CHECKING:
    import datetime as dt

    from talos_resources.insight.doctor import Diagnosis
    from talos_resources.insight.mesh import Mesh
    from talos_resources.model.kind import Kind
    from talos_resources.model.query import Labels
    from talos_resources.model.resource import Resource
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources.folders import NodeFolder
    from talos_resources.sources.listing import ClusterList
    from talos_resources.state.contract import State

    Opener = Callable[[], State]

S = TypeVar("S")


@runtime_checkable
class Historic(Protocol):
    """A state that keeps its past."""

    def at(self, when: Timestamp) -> State:
        """What there was at a moment.

        Raises:
            ConfigError: the history does not go back so far.
        """
        ...


class Cluster(LooksBack):
    """The states of some nodes.

    A state is made when it is first asked for: who looks at one node of a thousand pays for one.

    Attributes:
        source: what people call where this comes from, for messages.
        nodes: the names of all nodes, in the order of the source.
        default_nodes: those that count when nobody names any.
        other_names: further name → node name, host names for example.
        unnamed: the source holds one node and does not say which; it answers to any name.
    """

    def __init__(
        self,
        openers: Mapping[str, Opener],
        *,
        source: str,
        default_nodes: Sequence[str] | None = None,
        other_names: Mapping[str, str] | None = None,
        unnamed: bool = False,
        on_close: Callable[[], None] | None = None,
        folders: Mapping[str, NodeFolder] | None = None,
        at_once: int = PARALLEL,
    ) -> None:
        """Takes the nodes as they are; nothing is opened yet.

        Args:
            openers: node name → what makes its state.
            source: see the class.
            default_nodes: None for all.
            other_names: see the class.
            unnamed: see the class.
            on_close: called when the cluster has been closed.
            folders: the files of each node, where there are any.
            at_once: see `parallel.each`.
        """
        self.source = source
        self.at_once = at_once
        self.nodes = tuple(openers)
        self.default_nodes = self.nodes if default_nodes is None else tuple(default_nodes)
        self.unnamed = unnamed
        self._openers = dict(openers)
        self.other_names = dict(other_names or {})
        self._on_close = on_close
        self._folders = dict(folders or {})
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    def select(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """The nodes to work on, under the names that were asked for.

        Args:
            names: node names, other names of nodes, or what their cluster calls them; empty for the default.

        Raises:
            ConfigError: there is no such node.
            AmbiguousNameError: the cluster calls several so.
        """
        if not names:
            return self.default_nodes
        if self.unnamed and len(names) > 1:
            raise ConfigError(f"{self.source} holds one node, {len(names)} were named: {', '.join(names)}")
        for name in names:
            self._own_name(name)
        return tuple(names)

    def folder(self, node: str) -> NodeFolder | None:
        """The files of a node; None where the source is none of files.

        Raises:
            ConfigError: there is no such node.
        """
        return self._folders.get(self._own_name(node))

    def state(self, node: str) -> State:
        """The state of a node, opened now if nobody has asked for it yet.

        Raises:
            ConfigError: there is no such node.
            TalosResourcesError: it cannot be opened.
        """
        name = self._own_name(node)
        with self._lock:
            if name not in self._states:
                self._states[name] = self._openers[name]()
            return self._states[name]

    def list(
        self,
        kind: type[S] | Kind[S],
        *nodes: str,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ClusterList[S]:
        """The resources of a kind on several nodes, asked in parallel; those that fail are in its `errors`.

        Args:
            kind: the class of the spec, or a kind: `cluster.state(node).kind("links")`.
            nodes: their names; all of them without any.
            namespace: None for the kind's own.
            labels: a label query such as `zone=a,!edge`, or several of which one must match.
            ids: a regular expression (RE2 syntax) searched anywhere in the id.

        Raises:
            ConfigError: there is no such node.
            QueryError: a query that cannot be understood.
            TalosResourcesError: not one node answered.
        """
        from talos_resources.sources.listing import ClusterList
        from talos_resources.sources.parallel import each

        wanted = self.select(nodes) if nodes else self.nodes
        answers = each(wanted, lambda node: self.state(node).list(kind, namespace=namespace, labels=labels, ids=ids), self.at_once)
        return ClusterList.joined(kind, dict(answers))

    def get(
        self,
        kind: type[S] | Kind[S],
        id: str | None = None,
        *,
        label: str | None = None,
        node: str | None = None,
        namespace: str | None = None,
    ) -> Resource[S]:
        """The resource of one node: of the named one, or of the one that counts when nobody names any.

        Args:
            kind: the class of the spec, or a kind.
            id: its id.
            label: instead of the id, what people call it; see `State.get`.
            node: the name of the node.
            namespace: instead of the kind's own.

        Raises:
            ConfigError: there is no such node, or none was named and several count.
            NotFoundError: the node has no such resource.
            AmbiguousNameError: several of its resources are called so.
        """
        wanted = self.default_nodes if node is None else (node,)
        if len(wanted) != 1:
            raise ConfigError(f"{self.source} has {len(wanted)} nodes; name one with node=: {_some(wanted)}")
        return self.state(wanted[0]).get(kind, id, label=label, namespace=namespace)

    def mesh(self, *nodes: str) -> Mesh:
        """Who sees whom, put together from what the nodes say.

        Args:
            nodes: their names; all of them without any.

        Raises:
            ConfigError: there is no such node.
            TalosResourcesError: not one node answered.
        """
        from talos_resources.sources.snapshots import mesh_of

        return mesh_of(self, nodes)

    def doctor(self, *nodes: str) -> Diagnosis:
        """What is wrong with the mesh, why, and what to do.

        Args:
            nodes: their names; all of them without any.

        Raises:
            ConfigError: there is no such node.
            TalosResourcesError: not one node answered.
        """
        from talos_resources.insight.doctor import examine
        from talos_resources.sources.evidence import evidence

        return examine(evidence(self, nodes))

    def at(self, when: str | Timestamp | dt.datetime) -> Cluster:
        """The same nodes as they were at a moment, where the source keeps its past (see `record`).

        Args:
            when: as in `talos_resources.state.when`, `-2h` for example, a `Timestamp` or an aware datetime.

        Raises:
            QueryError: no moment.
            UnsupportedError: the source knows the present only.
            ConfigError: it does not go back so far.
        """
        from talos_resources.model.timestamp import Timestamp
        from talos_resources.state.when import moment_of

        moment = moment_of(when, now=Timestamp(time.time_ns()))
        first = self.state(self.nodes[0])
        if not isinstance(first, Historic):
            raise _timeless(self.source)
        openers: dict[str, Opener] = {node: partial(self._past, node, moment) for node in self.nodes}
        return Cluster(
            openers,
            source=f"{self.source} at {moment}",
            default_nodes=self.default_nodes,
            other_names=self.other_names,
            unnamed=self.unnamed,
            at_once=self.at_once,
        )

    def _past(self, node: str, moment: Timestamp) -> State:
        state = self.state(node)
        if not isinstance(state, Historic):
            raise _timeless(self.source)
        return state.at(moment)

    def close(self) -> None:
        """Closes every state that was opened; twice is no error."""
        with self._lock:
            states, self._states = self._states, {}
        for state in states.values():
            state.close()
        if self._on_close is not None:
            self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cluster {self.source}: {_some(self.nodes)}>"

    def _own_name(self, name: str) -> str:
        if self.unnamed:
            return self.nodes[0]
        own = name if name in self._openers else self.other_names.get(name) or self._member(name)
        if own is None:
            near = "" if name[:1].isdecimal() else did_you_mean(name, [*self.nodes, *self.other_names])  # addresses are all alike
            raise ConfigError(f'{self.source} has no node "{name}"; it has {_some(self.nodes)}{near}')
        return own

    def _member(self, name: str) -> str | None:
        """The node that its cluster calls so."""
        from talos_resources.sources.members import node_of_member

        own = node_of_member(name, self.nodes, self.state, self.other_names)
        if own is not None:
            self.other_names[name] = own
        return own


def _timeless(source: str) -> UnsupportedError:
    return UnsupportedError(f"{source} knows the present only; `record --to sqlite:FILE` keeps what nodes were like")


def _some(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{', '.join(names[:limit])}{more}"
