"""`record`: keeps what nodes are like, to look at later."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options
from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from talos_resources.sources.recording import Recorder

HELP: Final = "keep what nodes are like, to look at later"
DESCRIPTION: Final = """\
Follow nodes and keep every change of their resources in a SQLite file, until Ctrl-C. It may be stopped and
started again as you like: it goes on in the same file. `history`, `diff`, `events` and --at of `get`, `mesh`
and `doctor` look into it, also while it is written.

Without types the mesh and the cluster are recorded. Private keys and other secrets are replaced by
<REDACTED> unless --show-secrets is given."""
EXAMPLES: Final = """\
--to sqlite:mesh.db -n 10.0.0.1,10.0.0.2
--to sqlite:mesh.db --retention 30d
--to sqlite:mesh.db kubespanpeerstatuses links
"""


def configure(parser: Parser) -> None:
    """Adds the target and what to record."""
    parser.add_argument("types", nargs="*", metavar="TYPE", help="only resources of these types (default: the mesh and the cluster)")
    parser.add_argument("--to", required=True, metavar="sqlite:PATH", help="the file; it is made, or gone on with")
    parser.add_argument(
        "--retention", "--keep", dest="keep", metavar="TIME", help="forget what is older, 30d for example (default: keep all)"
    )
    parser.add_argument("--show-secrets", action="store_true", help="record private keys and other secrets too")
    options.add_source(parser)
    parser.set_defaults(watch=True)  # it goes on until it is stopped, so the note about the demo comes first


def run(args: Namespace) -> int:
    """Records until somebody stops it."""
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.sources.recording import Recorder

    scheme, _, path = args.to.partition(":")
    if scheme != "sqlite" or not path:
        raise UsageError(f"--to takes sqlite:PATH, not {args.to!r}", prog="talos-resources record")
    keep_s = None if args.keep is None else _seconds(args.keep)
    with options.opened(args) as (cluster, selected), SqliteState(path) as target:
        nodes = tuple(selected) if args.nodes else cluster.nodes

        def say(text: str) -> None:
            print(text, file=sys.stderr, flush=True)

        recorder = Recorder(
            cluster,
            nodes,
            target,
            types=args.types,
            show_secrets=args.show_secrets,
            keep_s=keep_s,
            on_note=lambda note: say(f"{note.node}: {note.text}"),
        )
        _stop_at_signals(recorder)
        say(f"recording {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'} to {args.to}; Ctrl-C stops")
        try:
            recorder.run()
        finally:
            say(f"{recorder.written} changes recorded")
    return 0


def _stop_at_signals(recorder: Recorder) -> None:
    """Has signals end it in order: what has come is written first. Another Ctrl-C does not wait for that."""
    import signal
    import threading

    from talos_resources.cli.stopping import stopping_signals

    def end(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        recorder.stop()

    if threading.current_thread() is threading.main_thread():
        for number in stopping_signals():
            signal.signal(number, end)


def _seconds(text: str) -> float:
    from talos_resources.model.errors import QueryError
    from talos_resources.state.when import length_of

    try:
        return length_of(text).nanoseconds / 1e9
    except QueryError:
        raise UsageError(f"--retention takes a time such as 30d or 12h, not {text!r}", prog="talos-resources record") from None
