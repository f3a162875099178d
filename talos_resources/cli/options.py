"""Options that several commands share, named as talosctl names them."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from talos_resources.cli import progress
from talos_resources.cli.durations import some_size, some_time
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from argparse import _ArgumentGroup as ArgumentGroup  # it has no public name
    from pathlib import Path

    from talos_resources.sources import Cluster

DEMO_NOTE: Final = (
    "note: no cluster configured, this is the built-in demo; point at yours with --talosconfig, -n and -e, or --from (see --help)"
)

WITH_VALUE: Final = frozenset(
    {
        *("-n", "--nodes", "-e", "--endpoints", "--context", "--talosconfig", "--timeout", "--max-answer", "--cert-fingerprint"),
        *("--from", "--identity"),
    }
)
"""The source options that take a value; they may stand before the command as well."""


_ITEM: Final = r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^",\r\n]*)'


def split(arguments: list[str]) -> tuple[list[str], str | None, list[str]]:
    """The flags before the command, the command, and what follows it."""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-") and arguments[index] != "-":
        index += 2 if arguments[index] in WITH_VALUE else 1
    if index >= len(arguments):
        return arguments, None, []
    return arguments[:index], arguments[index], arguments[index + 1 :]


def add_source(parser: Parser, *, maintenance: bool = True, answer_flag: str = "--timeout") -> None:
    """Adds where the data comes from.

    Args:
        parser: of the command.
        maintenance: with the flags for nodes in maintenance mode; without where `--insecure` means something else.
        answer_flag: how long a node may take to answer, for commands whose `--timeout` means something else.
    """
    group = parser.add_argument_group("where the data comes from")
    group.add_argument(
        "-n", "--nodes", action="append", default=[], metavar="NODES", help="the nodes to ask, separated by commas; may be repeated"
    )
    group.add_argument(
        "-e",
        "--endpoints",
        action="append",
        default=[],
        metavar="HOSTS",
        help="control-plane nodes to ask through (default: talosconfig)",
    )
    group.add_argument("--context", metavar="NAME", help="the context of the talosconfig to use")
    group.add_argument("--talosconfig", metavar="FILE", help="default: $TALOSCONFIG, else ~/.talos/config")
    _add_limits(group, answer_flag)
    if maintenance:
        _add_maintenance(group)
    group.add_argument(
        "--from",
        dest="sources",
        action="append",
        default=[],
        metavar="URL",
        help="demo, a file (*.wire.json, or YAML or JSON of `talosctl get`), - for stdin, a directory or zip with a folder per node, "
        "cosi://HOST:PORT, cosi+unix:PATH, etcd://HOST:PORT/PREFIX, sqlite:PATH; may be repeated, for the nodes of all",
    )
    group.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="FILE",
        help="a key that opens an encrypted support bundle: an age identity or an OpenSSH private key; may be repeated",
    )


def _add_limits(group: ArgumentGroup, answer_flag: str) -> None:
    group.add_argument(
        answer_flag,
        dest="timeout",
        type=some_time,
        metavar="TIME",
        help="how long a node may take to answer, such as 5s (default: 60s, with etcd 30s)",
    )
    group.add_argument(
        "--max-answer", type=some_size, metavar="SIZE", help="how large the list of a node may be, such as 4GiB (default: 1GiB)"
    )


def _add_maintenance(group: ArgumentGroup) -> None:
    group.add_argument(
        "-i",
        "--insecure",
        dest="maintenance",
        action="store_true",
        help="the nodes of -n are in maintenance mode: dial them themselves, without a talosconfig",
    )
    group.add_argument(
        "--cert-fingerprint",
        action="append",
        default=[],
        metavar="FINGERPRINTS",
        help="with -i: the certificate fingerprints to accept (default: any)",
    )


def add_patches(parser: Parser) -> None:
    """Adds the patches of a machine configuration."""
    parser.add_argument(
        "-p",
        "--patch",
        action="append",
        default=[],
        metavar="PATCH",
        help="a strategic or JSON patch, or @FILE; may be repeated, applied in order",
    )


def add_at(parser: Parser) -> None:
    """Adds the moment to look at, for sources that keep their past; `opened` heeds it."""
    parser.add_argument("--at", metavar="TIME", help="as it was then, of a recording: -10m, 02:14, 2026-11-26 02:14:31 (UTC)")


def names(values: list[str]) -> tuple[str, ...]:
    """The names in repeated and comma-separated values, each once, in order.

    Raises:
        UsageError: quotes that do not close.
    """
    return tuple(dict.fromkeys(name for part in items(values) if (name := part.strip())))


def items(values: list[str]) -> tuple[str, ...]:
    """The items of repeated flags that take lists: CSV, as with talosctl, so that quotes may hold a comma.

    Source: observed on talosctl v1.12.3; of several lines the first one counts, a value of nothing has no item.

    Raises:
        UsageError: a quote where none may be.
    """
    if not values:
        return ()
    item = re.compile(_ITEM)
    found: list[str] = []
    for value in values:
        line = value.lstrip("\r\n")
        position = 0
        while line:
            match = item.match(line, position)
            assert match is not None  # nothing is an item too
            found.append(match["plain"] if match["quoted"] is None else match["quoted"].replace('""', '"'))
            position = match.end()
            if position == len(line) or line[position] in "\r\n":
                break
            if line[position] != ",":
                raise UsageError(f'the quotes in {value!r} do not close where an item ends; write "a,b",c, and "" for a quote in quotes')
            position += 1
    return tuple(found)


def _at(cluster: Cluster, moment: str | None, nodes: tuple[str, ...]) -> Cluster:
    """The cluster as it was then; says so where nobody recorded at that time."""
    if moment is None:
        return cluster
    import time

    from talos_resources.cli.recording import tell_at
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.state.when import parse_when

    now = Timestamp(time.time_ns())
    when = parse_when(moment, now=now)
    past = cluster.at(when)
    tell_at(cluster, nodes, when, now=now)
    return past


def _paths(names: list[str]) -> list[Path]:
    from pathlib import Path  # most commands do without

    return [Path(name) for name in names]


@contextmanager
def opened(args: Namespace, *, quiet: bool = False) -> Iterator[tuple[Cluster, tuple[str, ...]]]:
    """The cluster that the options name and the nodes of it that were asked for, closed afterwards.

    Args:
        args: with the options of `add_source`.
        quiet: without the note that the demo stands in.

    Raises:
        TalosResourcesError: the source cannot be opened, or has no such node.
    """
    from talos_resources import sources

    wanted = names(args.nodes)
    with progress.busy(f"opening {', '.join(args.sources) or 'the cluster'}"):
        cluster, is_fallback = sources.choose(
            args.sources,
            nodes=wanted,
            endpoints=names(args.endpoints),
            context=args.context,
            talosconfig=args.talosconfig,
            timeout=args.timeout,
            insecure=getattr(args, "maintenance", False),
            cert_fingerprints=names(getattr(args, "cert_fingerprint", [])),
            max_answer_bytes=args.max_answer,
            identities=_paths(args.identity) if args.identity else (),
        )
    endless = getattr(args, "watch", False)
    noted = is_fallback and not quiet
    if noted and endless:
        print(DEMO_NOTE, file=sys.stderr, flush=True)
    with cluster:
        try:
            selected = cluster.select(wanted)
            cluster = _at(cluster, getattr(args, "at", None), selected if args.nodes else cluster.nodes)
        except ConfigError as error:
            if is_fallback:
                raise ConfigError(f"{error.message}; there is no talosconfig: name yours with --talosconfig") from None
            raise
        if cut := [node for node in selected if (folder := cluster.folder(node)) is not None and folder.is_cut]:
            from talos_resources.sources.folders import CUT_SHORT  # a live node has no folders

            print(f"note: {', '.join(cut)}: {CUT_SHORT}", file=sys.stderr)
        yield cluster, selected
    if noted and not endless:
        sys.stdout.flush()
        print(DEMO_NOTE, file=sys.stderr, flush=True)
