"""`serve`: nodes for talosctl and every other COSI client."""

from __future__ import annotations

import contextlib
import functools
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from talos_resources.backends.memory import MemoryState
from talos_resources.cli import options, serving
from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.rpc.server.nodes import ServedNode
    from talos_resources.sources.cluster import Cluster
    from talos_resources.state.contract import State

HELP = "Serve resources to talosctl and other COSI clients"
DESCRIPTION = """\
Serve the resources of all nodes of a source as Talos does, behind one endpoint and with mutual TLS; talosctl
and any COSI client can talk to them, read and (as os:admin) write. -n of a client says which nodes answer; -n
here says which are served. Of files or the demo a copy is served; what clients write to a database or to
another server goes there. When it is ready it prints "listening on ADDRESS"; SIGTERM and Ctrl-C stop it."""
EXAMPLES = """\
--listen 127.0.0.1:50000 --pki ./pki
--listen 127.0.0.1:50000 --pki ./pki --from support.zip --endpoint-per-node
--listen unix:/tmp/state.sock --from support.zip -n 172.20.0.2
--listen 127.0.0.1:0 --insecure --empty
--listen 127.0.0.1:50000 --pki ./pki --churn
"""

HISTORY = 100_000
"""Events of each kind that a slow watcher may fall behind."""


def configure(parser: Parser) -> None:
    """Adds where to listen, who may come in, and what there is."""
    parser.add_argument("--listen", metavar="ADDRESS", required=True, help="HOST:PORT (port 0: any that is free) or unix:PATH")
    serving.add_protection(parser)
    parser.add_argument("--empty", action="store_true", help="begin without resources")
    parser.add_argument("--churn", action="store_true", help="change peer statuses every second, as on a live node")
    options.add_source(parser, maintenance=False)
    parser.set_defaults(watch=True)  # it goes on until it is stopped, so the note about the demo comes first


def run(args: Namespace) -> int:
    """Serves until somebody stops it."""
    import asyncio

    from talos_resources.cli.stopping import prepare_to_serve

    host = serving.check_protection(args, args.listen, prog="talos-resources serve")
    prepare_to_serve()
    with contextlib.ExitStack() as stack:
        if args.empty:
            return asyncio.run(_serve(args, host, stack, MemoryState(capacity=HISTORY, gap=0)))
        cluster, selected = stack.enter_context(options.opened(args))
        names = selected if args.nodes else cluster.nodes
        if len(names) == 1:
            args.talos_version = [("", version) for node, version in args.talos_version if node in {"", names[0]}]
            return asyncio.run(_serve(args, host, stack, _served(cluster.state(names[0]))))
        serving.check_versions(args, names, prog="talos-resources serve")
        nodes = [_node(args, cluster, name) for name in names]
        return asyncio.run(_serve(args, host, stack, nodes, alias=_alias(cluster, names)))


def _node(args: Namespace, cluster: Cluster, name: str) -> ServedNode:
    """One of several: read, and asked for its version, when somebody first wants something of it."""
    from talos_resources.rpc.server.nodes import ServedNode

    state = functools.cache(functools.partial(_state, cluster, name))
    version = functools.cache(lambda: serving.version_of(args, state(), node=name))
    return ServedNode(
        name=name,
        state=state,
        machine=lambda held: serving.machine_of(held, version()),
        version=lambda _held: version(),
        load=version,
    )


def _state(cluster: Cluster, name: str) -> State:
    return _served(cluster.state(name))


def _served(source: State) -> State:
    """What is served of a node: of what lies in memory a copy, so that the source stays as it is."""
    from talos_resources.sources.writing import held_by

    if not isinstance(source, MemoryState):
        return source
    served = MemoryState(capacity=HISTORY, gap=0)
    served.restore(held_by(source, show_secrets=True))
    return served


def _alias(cluster: Cluster, names: Sequence[str]) -> Callable[[str], str | None]:
    """The node that is served under another name of the source, a host name for example."""
    own = {cluster.other_names.get(name, name): name for name in names}

    def alias(name: str) -> str | None:
        return own.get(cluster.other_names.get(name, name))

    return alias


async def _serve(
    args: Namespace,
    host: str | None,
    sources: contextlib.ExitStack,
    served: State | Sequence[ServedNode],
    *,
    alias: Callable[[str], str | None] = lambda _name: None,
) -> int:
    import asyncio

    from talos_resources.cli.stopping import stop_event

    stop = stop_event()
    async with serving.listening(args, args.listen, host, served, alias=alias):
        tasks = []
        if args.churn:
            from talos_resources.rpc.server.churn import churn

            states = [node.state() for node in served] if isinstance(served, Sequence) else [served]
            tasks = [asyncio.create_task(churn(state)) for state in states if state is not None]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    sources.close()  # the loop waits for threads that are in a state: this interrupts them
    return 0
