"""`discovery serve`: the service through which the nodes of a cluster find each other."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from talos_resources.cli.durations import duration
from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from talos_resources.rpc.transport.contract import Credentials
    from talos_resources.state.contract import State

HELP = "Run the discovery service, through which nodes find each other"
DESCRIPTION = """\
Run a discovery service: Talos nodes and `agent` find each other through it. It holds what they seal for
each other until it expires, and cannot read it. When it is ready it prints "listening on ADDRESS"; SIGTERM
and Ctrl-C stop it. In the machine configuration of the nodes:
cluster.discovery.registries.service.endpoint: https://ADDRESS/ (http:// with --insecure)."""
EXAMPLES = """\
serve --listen 0.0.0.0:3000 --pki ./pki
serve --listen 127.0.0.1:3000 --insecure
serve --listen 127.0.0.1:3000 --insecure --from cosi://127.0.0.1:50000
serve --listen 0.0.0.0:3000 --pki ./pki --from etcd://10.0.0.1:2379,10.0.0.2:2379/discovery
"""

_PROG = "talos-resources discovery serve"
_STATE_S = 5.0  # how long the state may take: clients wait 10 s


def configure(parser: Parser) -> None:
    """Adds the one thing that can be done."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="serve")
    serve = commands.add_parser("serve", prog=f"{parser.prog} serve", description=DESCRIPTION, help="run the service")
    serve.add_argument("--listen", metavar="ADDRESS", required=True, help="HOST:PORT (port 0: any that is free) or unix:PATH")
    serve.add_argument(
        "--pki",
        metavar="DIR",
        type=Path,
        help="the authority that signs the server's certificate, made if there is none; clients trust DIR/ca.crt",
    )
    serve.add_argument("--insecure", action="store_true", help="no TLS: for a closed network, or behind a proxy that has it")
    serve.add_argument(
        "--gc-interval", type=duration, default=60.0, metavar="TIME", help="how often to forget what has expired (default: 60s)"
    )
    serve.add_argument(
        "--from",
        dest="sources",
        action="append",
        default=[],
        metavar="URL",
        help="keep everything there, to survive restarts, in a state that can be written (default: in memory); "
        "several servers on one state, such as an etcd, are one service",
    )
    serve.add_argument("--redirect", default="", metavar="HOST:PORT", help="send clients to another service")
    serve.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="NETWORK",
        help="believe x-real-ip and x-forwarded-for from there, beside this machine; may be repeated",
    )


def run(args: Namespace) -> int:
    """Serves until somebody stops it."""
    import asyncio

    from talos_resources.rpc.server.server import check_address, split_address

    host = check_address(args.listen)
    if args.redirect:
        split_address(args.redirect)
    if args.gc_interval <= 0:
        raise UsageError("--gc-interval must be longer than nothing; 60s is usual", prog=_PROG)
    if len(args.sources) > 1:
        raise UsageError("--from names one state that keeps everything; leave the others out", prog=_PROG)
    credentials = _credentials(args, host)
    with contextlib.ExitStack() as stack:
        state = _opened(args.sources[0], stack) if args.sources else None
        return asyncio.run(_serve(args, credentials, state))


def _credentials(args: Namespace, host: str | None) -> Credentials | None:
    """What the server shows; None for plaintext.

    Raises:
        UsageError: the options do not go together.
    """
    if args.insecure and args.pki is not None:
        raise UsageError("--insecure and --pki exclude each other", prog=_PROG)
    if host is None:
        if args.pki is not None:
            raise UsageError("a unix socket has no TLS: its file mode protects it; leave --pki out", prog=_PROG)
        return None
    if args.insecure:
        from talos_resources.rpc.transport.address import is_loopback

        if not is_loopback(host):
            print("note: without TLS whoever listens learns cluster ids, and can overwrite what is announced there", file=sys.stderr)
        return None
    if args.pki is None:
        raise UsageError("name a folder for certificates with --pki, or serve without TLS with --insecure", prog=_PROG)
    from talos_resources.rpc.server.pki_folder import authority_in, server_credentials

    return server_credentials(authority_in(args.pki), host)


def _opened(url: str, stack: contextlib.ExitStack) -> State:
    """The state that keeps everything.

    Raises:
        ConfigError: there is none, or nothing would be kept.
    """
    from talos_resources.backends.memory import MemoryState
    from talos_resources.model.errors import ConfigError
    from talos_resources.sources.registry import open_source

    cluster = stack.enter_context(open_source(url, timeout=_STATE_S))
    state = cluster.state(cluster.select(())[0])
    if isinstance(state, MemoryState):
        raise ConfigError(f"nothing would be kept in {url}, which is only read; name a server (cosi://HOST:PORT) or leave --from out")
    return state


async def _serve(args: Namespace, credentials: Credentials | None, state: State | None) -> int:
    from talos_resources.cli.stopping import prepare_to_serve, settle, stop_event
    from talos_resources.discovery.server.server import LOOPBACK, DiscoveryListener

    prepare_to_serve()
    server = DiscoveryListener(
        credentials=credentials,
        state=state,
        gc_interval_s=args.gc_interval,
        redirect=args.redirect,
        proxies=(*LOOPBACK, *args.proxy),
    )
    address = await server.start(args.listen)
    stop = stop_event()
    settle()
    print(f"listening on {address}", flush=True)
    await stop.wait()
    await server.stop()
    return 0
