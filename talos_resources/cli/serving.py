"""What commands that behave like nodes have in common: where to listen, who may come in, and who hears of it."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from argparse import _ArgumentGroup as ArgumentGroup  # it has no public name

    from talos_resources.rpc.apply import TakesConfiguration
    from talos_resources.rpc.pki import CertificateAndKey
    from talos_resources.rpc.server.call import Method
    from talos_resources.rpc.server.nodes import ServedNode
    from talos_resources.rpc.server.server import Server
    from talos_resources.rpc.transport.contract import Credentials
    from talos_resources.state.contract import State

PER_NODE = "--endpoint-per-node"


def add_protection(parser: Parser | ArgumentGroup) -> None:
    """Adds who may come in."""
    parser.add_argument(
        "--pki",
        metavar="DIR",
        type=Path,
        help="the certificates for TLS, made if there are none; a talosconfig for clients is put there as well",
    )
    parser.add_argument("--insecure", action="store_true", help="no TLS, everybody is os:admin; on loopback addresses only")
    parser.add_argument(
        PER_NODE,
        dest="per_node",
        action="store_true",
        help="an endpoint for each node too, at the ports after that of --listen; workers answer for themselves only",
    )
    parser.add_argument(
        "--talos-version",
        type=_version,
        action="append",
        default=[],
        metavar="[NODE=]VERSION",
        help="which Talos the nodes run, or one of them: what clients are told, and by whose rules configurations are judged; "
        "may be repeated (default: what each node announces, else the newest that we know)",
    )


def _version(text: str) -> tuple[str, str]:
    """The node, empty for all, and its version."""
    node, _, text = text.rpartition("=")
    from talos_resources.model.errors import ConfigError
    from talos_resources.releases import release_of

    try:
        release_of(text)
    except ConfigError as error:
        raise ArgumentTypeError(error.message) from None
    return node, text if text.startswith("v") else f"v{text}"


def check_protection(args: Namespace, address: str, *, prog: str) -> str | None:
    """The host of the address to listen on, None for a unix socket.

    Refuses to serve without certificates what others than this machine can reach.

    Raises:
        ConfigError: it is no address.
        UsageError: the options do not go together.
    """
    from talos_resources.rpc.server.server import check_address

    host = check_address(address)
    if host is None:
        if args.pki is not None:
            raise UsageError("a unix socket has no TLS: its file mode protects it; leave --pki out", prog=prog)
        if args.per_node:
            raise UsageError(f"{PER_NODE} takes ports; listen at HOST:PORT", prog=prog)
        return None
    if args.insecure and args.pki is not None:
        raise UsageError("--insecure and --pki exclude each other", prog=prog)
    if args.insecure:
        from talos_resources.rpc.transport.address import is_loopback

        if not is_loopback(host):
            raise UsageError(f"--insecure is for loopback addresses and unix sockets, {host} is neither; use --pki DIR", prog=prog)
    elif args.pki is None:
        raise UsageError("name a folder for certificates with --pki, or serve without protection with --insecure", prog=prog)
    return host


def given_version(args: Namespace, node: str) -> str | None:
    """What a node runs by the options; None if they do not say."""
    given = dict(args.talos_version)
    found: str | None = given.get(node, given.get(""))
    return found


def check_versions(args: Namespace, nodes: Sequence[str], *, prog: str) -> None:
    """Refuses versions of nodes that there are not.

    Raises:
        UsageError: there is one.
    """
    for node, version in args.talos_version:
        if node and node not in nodes:
            some = f"{', '.join(nodes[:8])}{' …' if len(nodes) > 8 else ''}"
            raise UsageError(f"--talos-version {node}={version}: no such node; there are {some}", prog=prog)


def version_of(args: Namespace, state: State, *, node: str = "") -> str:
    """What a node runs: by the options, by what its state tells of it, else the newest that we know."""
    from talos_resources.model.errors import ConfigError
    from talos_resources.releases import NEWEST, release_of
    from talos_resources.sources.bundle_extras import told_version

    version = given_version(args, node)
    if version is not None:
        return version
    told = told_version(state)
    try:
        release_of(tag := NEWEST.version if told is None else told.tag)
    except ConfigError:
        return NEWEST.version
    return tag


def machine_of(state: State, version: str) -> TakesConfiguration:
    """What takes configurations for the node of a state, by the rules of a release, and keeps them there."""
    from talos_resources.machineconfig.configured_node import ConfiguredNode

    return ConfiguredNode(state, talos_version=version)


def is_worker(state: State) -> bool:
    """Whether what a node says of itself is that it is a worker."""
    from talos_resources.resources import Affiliate, ClusterIdentity, MachineType, Member

    own = {resource.spec.node_id for resource in state.list(ClusterIdentity)}
    told: list[Member | Affiliate] = [resource.spec for resource in state.list(Member)]
    told += [resource.spec for resource in state.list(Affiliate)]
    return any(spec.node_id in own and spec.machine_type is MachineType.WORKER for spec in told)


@contextlib.asynccontextmanager
async def listening(
    args: Namespace,
    address: str,
    host: str | None,
    served: State | Sequence[ServedNode],
    *,
    alias: Callable[[str], str | None] = lambda _name: None,
    beside: Mapping[str, Method] | None = None,
) -> AsyncIterator[str]:
    """Serves until it is left; says on stdout `listening on ADDRESS` when it is ready.

    Args:
        args: with the options of `add_protection`.
        address: where to listen.
        host: of it, as `check_protection` gave it.
        served: the state of one node, which answers to any name, or all nodes.
        alias: the name of the node that goes by another one too.
        beside: calls that no node answers, by path.

    Raises:
        ConfigError: there is nothing to listen on.
    """
    from talos_resources.cli.stopping import settle
    from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig

    authority: CertificateAndKey | None = None
    credentials: Credentials | None = None
    if args.pki is not None and host is not None:
        authority = authority_in(args.pki)
        credentials = server_credentials(authority, host)
    names = [node.name for node in served] if isinstance(served, Sequence) else []
    async with contextlib.AsyncExitStack() as stack:
        servers = list(_servers(args, served, alias, credentials, beside or {}))
        addresses: list[str] = []
        for _, server in servers:
            addresses.append(await server.start(_at(address, addresses)))
            stack.push_async_callback(server.stop)
        for (name, _), own in zip(servers[1:], addresses[1:], strict=True):
            print(f"{name} at {own}", file=sys.stderr)
        if authority is not None and args.pki is not None:
            path = write_talosconfig(args.pki, authority, addresses[0], nodes=names)
            print(f"talosctl --talosconfig {path} get kubespanpeerstatuses", file=sys.stderr)
        settle()
        print(f"listening on {addresses[0]}", flush=True)
        yield addresses[0]


def _servers(
    args: Namespace,
    served: State | Sequence[ServedNode],
    alias: Callable[[str], str | None],
    credentials: Credentials | None,
    beside: Mapping[str, Method],
) -> Iterable[tuple[str, Server]]:
    """The server of the whole, and then those of each node, if they are asked for."""
    from talos_resources.rpc.server.common import Common
    from talos_resources.rpc.server.endpoint import Endpoint
    from talos_resources.rpc.server.nodes import Nodes
    from talos_resources.rpc.server.server import Server

    if not isinstance(served, Sequence):
        version = version_of(args, served)
        yield "", Server(served, credentials=credentials, talos_version=version, machine=machine_of(served, version))
        return
    nodes = Nodes(served, alias=alias, common=Common())
    yield "", Server(Endpoint(nodes, served[0].name, beside=beside), credentials=credentials)
    for node in served if args.per_node else ():
        state = node.state()
        forwards = state is None or not is_worker(state)
        yield node.name, Server(Endpoint(nodes, node.name, forwards=forwards), credentials=credentials)


def _at(address: str, before: Sequence[str]) -> str:
    """Where the next server listens: the first one where it should, the others at the ports after its own."""
    if not before:
        return address
    host, _, port = before[0].rpartition(":")
    own = address.rpartition(":")[2] == "0"  # then any that is free will do for the others as well
    return f"{host}:{0 if own else int(port) + len(before)}"
