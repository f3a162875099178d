"""Where a simulation goes: its course into a recording, its end into whatever `dump` writes."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talos_resources.cli import progress
from talos_resources.cli.parser import UsageError

if TYPE_CHECKING:
    from talos_resources.model.resource import Resource
    from talos_resources.simulate.cluster import SimulatedCluster
    from talos_resources.simulate.course import CourseRecorder


@contextlib.contextmanager
def recording(args: Namespace) -> Iterator[CourseRecorder | None]:
    """What records the course to where --record says; says how much that was.

    Raises:
        UsageError: --record names something else than a new SQLite file.
    """
    if args.record is None:
        yield None
        return
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.simulate.course import CourseRecorder

    scheme, _, path = args.record.partition(":")
    prog = "talos-resources simulate"
    if scheme != "sqlite" or not path:
        raise UsageError(f"--record takes sqlite:PATH, not {args.record!r}", prog=prog)
    if Path(path).exists():
        raise UsageError(f"{path} is there already; a course begins with its first moment, so record it to a file of its own", prog=prog)
    with SqliteState(path) as target:
        recorder = CourseRecorder(target, show_secrets=args.show_secrets)
        yield recorder
        recorder.settle()
        print(f"{recorder.written} changes recorded to {args.record}", file=sys.stderr)


def write(cluster: SimulatedCluster, target: str, *, show_secrets: bool) -> None:
    """Writes all nodes as they are now."""
    from talos_resources.sources import writing

    def held(name: str) -> list[Resource[Any]]:
        return writing.held_by(cluster.nodes[name].state, show_secrets=show_secrets)

    contents = writing.LazyContents(tuple(cluster.nodes), held, lambda names: progress.tracked(names, "writing nodes"))
    writing.write(contents, target)
