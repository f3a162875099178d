"""`events`: what happened on all nodes, and what happens."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli import history, nodes, options, progress, recording
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.cli.screen import Screen

if TYPE_CHECKING:
    from talos_resources.model.resource import Resource
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources import Cluster
    from talos_resources.state.events import AnyEvent

HELP: Final = "tell what happened on all nodes, and what happens"
DESCRIPTION: Final = """\
Tell what happened to the resources of all nodes, oldest first, from a recording; and what happens from now on
with --watch, on live nodes too. Changes of counters alone are left out unless --all is given."""
EXAMPLES: Final = """\
--from sqlite:mesh.db --since 1h
kubespanpeerstatuses -w -n 10.0.0.1,10.0.0.2
-w -o json
"""

_HEADING: Final = ("TIME", "NODE", "TYPE", "ID", "CHANGE")


def configure(parser: Parser) -> None:
    """Adds what to tell."""
    parser.add_argument("types", nargs="*", metavar="TYPE", help="only resources of these types (default: all that is recorded)")
    history.add_window(parser)
    parser.add_argument("-w", "--watch", action="store_true", help="go on with what happens, until Ctrl-C")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table; json: one object a line")
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Tells the past, then what comes."""
    import time

    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.model.timestamp import Timestamp

    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        printer = _Printer(args)
        if isinstance(cluster.state(wanted[0]), SqliteState):
            now = Timestamp(time.time_ns())
            if not args.watch:
                recording.look(cluster, wanted, recording.since_of(args), now, now=now)
            with progress.busy(f"putting the past of {cluster.source} in order"), printer.together():
                _past(args, cluster, wanted, printer)
        elif not args.watch:
            raise UsageError(f"{cluster.source} keeps no past; follow it with --watch, or record it first (record --to sqlite:FILE)")
        return _follow(args, cluster, wanted, printer) if args.watch else 0


class _Printer:
    """Prints events: those of the past together, in straight columns; those that come later in columns as wide as what has come."""

    def __init__(self, args: Namespace) -> None:
        self._args = args
        self._screen = Screen()
        self._widths = [len(name) for name in _HEADING[:-1]]
        self._waiting: list[Sequence[str]] | None = None
        self._began = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is printed inside comes at the end of it, in straight columns."""
        rows: list[Sequence[str]] = []
        self._waiting = rows
        yield
        self._waiting = None
        for cells in rows:
            self._fit(cells)
        for cells in rows:
            self._row(cells)

    def print(self, at: Timestamp, node: str, change: str, resource: Resource[Any], old: Resource[Any] | None) -> None:
        """Prints one event, unless it is of no interest."""
        from talos_resources.insight.changes import field_changes
        from talos_resources.views import changes as view

        fields = () if old is None or change != "updated" else field_changes(old, resource)
        if change == "updated" and not self._args.all:
            fields = tuple(field for field in fields if not field.is_counter)
            if not fields:
                return
        if self._args.output == "json":
            sys.stdout.write(view.json_line({"time": str(at), "node": node, **view.change_plain(change, resource, fields)}))
        else:
            self._row((view.clock(at), node, view.type_name(resource), view.subject(resource), view.change_text(change, fields)))

    def _fit(self, cells: Sequence[str]) -> None:
        self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, cells, strict=False)]

    def _row(self, cells: Sequence[str]) -> None:
        if self._waiting is not None:
            self._waiting.append(cells)
            return
        self._fit(cells)
        from talos_resources.views.changes import line

        screen = self._screen
        for row in (cells,) if self._began else (_HEADING, cells):
            screen.print_coloured(line(row, self._widths, width=screen.width, colour=screen.colour and row is cells))
        self._began = True


def _past(args: Namespace, cluster: Cluster, wanted: Sequence[str], printer: _Printer) -> None:
    from heapq import merge

    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources.looking_back import recorded

    since = recording.since_of(args)
    moment = Timestamp(0) if since is None else since

    def of_node(node: str) -> Iterator[tuple[Any, str, Any]]:
        state = recorded(cluster, node)
        types = {state.kind(name).type for name in args.types} if args.types else None
        return ((version.at, node, version) for version in list(state.changes(since=moment, types=types)))

    read = progress.past_of(cluster.source)(wanted)
    for at, node, version in merge(*(of_node(node) for node in read), key=lambda entry: (entry[0], entry[1])):
        printer.print(at, node, version.change, version.resource, version.old)


def _follow(args: Namespace, cluster: Cluster, wanted: Sequence[str], printer: _Printer) -> int:
    """Goes on until Ctrl-C; nodes that are away are told and tried again.

    Raises:
        TalosResourcesError: not one node can be followed.
    """
    from queue import SimpleQueue

    from talos_resources.sources.following import Follower, News, Note, kinds_of
    from talos_resources.sources.happening import Happening
    from talos_resources.sources.parallel import each

    answers = nodes.Answers(each(wanted, lambda node: kinds_of(cluster.state(node), args.types)))
    if not answers.values:  # a wrong word gets no better by waiting
        return answers.report(wanted)
    happening, heard = Happening(), SimpleQueue[News | Note]()
    follower = Follower(cluster, wanted, types=args.types, on_news=heard.put, on_note=heard.put)
    follower.start()
    try:
        while True:
            match heard.get():
                case Note() as note:
                    nodes.note(note.node, note.text)
                case News() as news:
                    _tell(printer, news.node, news.at, happening.of(news))
    finally:
        follower.close()


def _tell(printer: _Printer, node: str, at: Timestamp, events: Sequence[AnyEvent]) -> None:
    from talos_resources.state.events import Created, Destroyed, Updated

    for event in events:
        match event:
            case Created(resource):
                printer.print(at, node, "created", resource, None)
            case Updated(resource, old):
                printer.print(at, node, "updated", resource, old)
            case Destroyed(_, resource) if resource is not None:
                printer.print(at, node, "destroyed", resource, None)
            case _:
                continue
        sys.stdout.flush()
