"""`serve`: a State for talosctl and every other COSI client."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from talos_resources.rpc.transport.contract import Credentials
    from talos_resources.state.contract import State

HELP = "Serve resources to talosctl and other COSI clients"
DESCRIPTION = """\
Serve the resources of one node as a Talos node does, with mutual TLS; talosctl and any COSI client can
talk to it, read and (as os:admin) write. Of a file or the demo a copy is served; what clients write to
a database or to another server goes there. When it is ready it prints "listening on ADDRESS"; SIGTERM and
Ctrl-C stop it."""
EXAMPLES = """\
--listen 127.0.0.1:50000 --pki ./pki
--listen unix:/tmp/state.sock --from support.zip -n 172.20.0.2
--listen 127.0.0.1:0 --insecure --empty
--listen 127.0.0.1:50000 --pki ./pki --churn
"""

HISTORY = 100_000
"""Events of each kind that a slow watcher may fall behind."""


def configure(parser: Parser) -> None:
    """Adds where to listen, who may come in, and what there is."""
    parser.add_argument("--listen", metavar="ADDRESS", required=True, help="HOST:PORT (port 0: any that is free) or unix:PATH")
    parser.add_argument(
        "--pki",
        metavar="DIR",
        type=Path,
        help="the certificates for TLS, made if there are none; a talosconfig for clients is put there as well",
    )
    parser.add_argument("--insecure", action="store_true", help="no TLS, everybody is os:admin; on loopback addresses only")
    parser.add_argument("--empty", action="store_true", help="begin without resources")
    parser.add_argument("--churn", action="store_true", help="change peer statuses every second, as on a live node")
    parser.add_argument(
        "--talos-version",
        type=_version,
        metavar="VERSION",
        help="what clients are told that the node runs; talosctl warns of one that is older than itself (default: the newest that we know)",
    )
    from talos_resources.cli import options

    options.add_source(parser, maintenance=False)
    parser.set_defaults(watch=True)  # it goes on until it is stopped, so the note about the demo comes first


def _version(text: str) -> str:
    from talos_resources.model.errors import ConfigError
    from talos_resources.releases import release_of

    try:
        release_of(text)
    except ConfigError as error:
        raise ArgumentTypeError(error.message) from None
    return text if text.startswith("v") else f"v{text}"


def run(args: Namespace) -> int:
    """Serves until somebody stops it."""
    import asyncio

    from talos_resources.cli.stopping import prepare_to_serve
    from talos_resources.rpc.server.server import check_address

    host = check_address(args.listen)
    _check_protection(args, host)
    prepare_to_serve()
    with contextlib.ExitStack() as stack:
        return asyncio.run(_serve(args, host, _state(args, stack)))


def _check_protection(args: Namespace, host: str | None) -> None:
    """Refuses to serve without certificates what others than this machine can reach.

    Raises:
        UsageError: the options do not go together.
    """
    prog = "talos-resources serve"
    if host is None:
        if args.pki is not None:
            raise UsageError("a unix socket has no TLS: its file mode protects it; leave --pki out", prog=prog)
        return
    if args.insecure and args.pki is not None:
        raise UsageError("--insecure and --pki exclude each other", prog=prog)
    if args.insecure:
        from talos_resources.rpc.transport.address import is_loopback

        if not is_loopback(host):
            raise UsageError(f"--insecure is for loopback addresses and unix sockets, {host} is neither; use --pki DIR", prog=prog)
    elif args.pki is None:
        raise UsageError("name a folder for certificates with --pki, or serve without protection with --insecure", prog=prog)


def _state(args: Namespace, stack: contextlib.ExitStack) -> State:
    """What to serve: one node of the source, or nothing yet.

    Args:
        args: of the command.
        stack: gets what must be closed at the end.
    """
    from talos_resources.backends.memory import MemoryState
    from talos_resources.cli import options
    from talos_resources.sources.writing import held_by

    served = MemoryState(capacity=HISTORY, gap=0)
    if args.empty:
        return served
    cluster, selected = stack.enter_context(options.opened(args))
    if len(selected) > 1 and args.nodes:
        raise UsageError(f"one node can be served, {len(selected)} were named", prog="talos-resources serve")
    if len(cluster.nodes) > 1 and not args.nodes:
        print(f"note: serving {selected[0]}, one of {len(cluster.nodes)} nodes; choose another with -n", file=sys.stderr)
    source = cluster.state(selected[0])
    if not isinstance(source, MemoryState):
        return source
    served.restore(held_by(source, show_secrets=True))
    return served


async def _serve(args: Namespace, host: str | None, state: State) -> int:
    import asyncio

    from talos_resources.cli.stopping import stop_event
    from talos_resources.machineconfig.taken import ConfiguredNode
    from talos_resources.releases import NEWEST
    from talos_resources.rpc.server.server import Server

    credentials: Credentials | None = None
    if args.pki is not None and host is not None:
        from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig

        authority = authority_in(args.pki)
        credentials = server_credentials(authority, host)
    version = args.talos_version or NEWEST.version
    server = Server(state, credentials=credentials, talos_version=version, machine=ConfiguredNode(state, talos_version=version))
    address = await server.start(args.listen)
    if args.pki is not None:
        path = write_talosconfig(args.pki, authority, address)
        print(f"talosctl --talosconfig {path} get kubespanpeerstatuses", file=sys.stderr)
    stop = stop_event()
    print(f"listening on {address}", flush=True)
    tasks = []
    if args.churn:
        from talos_resources.rpc.server.churn import churn

        tasks.append(asyncio.create_task(churn(state)))
    await stop.wait()
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await server.stop()
    return 0
