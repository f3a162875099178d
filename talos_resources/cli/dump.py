"""`dump`: copies what nodes hold into a file, an archive or a directory."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from talos_resources.cli import options, progress
from talos_resources.cli.parser import Parser
from talos_resources.model.printable import printable
from talos_resources.model.sent import spec_at_hand
from talos_resources.model.spec import REDACTED, RedactedSpec

if TYPE_CHECKING:
    from talos_resources.model.resource import Resource

HELP = "Write the resources of nodes to a file, a directory, a zip archive or a database"
DESCRIPTION = """\
Write the resources of nodes to a file, a directory, a zip archive or a database. The name of the target says the form:
*.wire.json (nothing is lost), *.yaml or *.json (as talosctl prints them), *.zip (a support bundle as `talosctl support`
writes it, with the logs and tables that the source has), a name without an ending (a folder per node, with everything),
etcd://HOST:PORT/PREFIX (one node under the prefix, several each under PREFIX/NODE), sqlite:PATH, - for YAML on stdout.
--from reads every one of them.

Private keys and other secrets are replaced by <REDACTED> unless --show-secrets is given. A support bundle has only the
namespace that is usual for each type, and nothing of the specs of sensitive types."""
EXAMPLES = """\
--to cluster.zip
--to sqlite:mesh.db
--from cluster.zip --to node1.yaml -n 172.20.0.2 kubespanpeerstatuses kubespanpeerspecs
"""


def configure(parser: Parser) -> None:
    """Adds the target and what to write."""
    parser.add_argument("types", nargs="*", metavar="TYPE", help="only resources of these types (default: all)")
    parser.add_argument("--to", required=True, metavar="TARGET", help="where to; it may not exist yet")
    parser.add_argument("--show-secrets", action="store_true", help="write private keys and other secrets too")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Writes all nodes, or those that were named."""
    from talos_resources.sources import writing
    from talos_resources.sources.bundle_extras import all_beside

    with options.opened(args) as (cluster, selected):
        nodes = selected if args.nodes else cluster.nodes
        contents = {}
        for node in progress.tracked(nodes, f"reading nodes of {cluster.source}"):
            held = writing.held_by(cluster.state(node), args.types, show_secrets=args.show_secrets)
            contents[node] = writing.bundled(held, show_secrets=args.show_secrets) if args.to.endswith(writing.ZIP) else held
        beside = all_beside(cluster, nodes, only_summary=bool(args.types)) if writing.has_folders(args.to) else {}
        what = f"writing {sum(map(len, contents.values()))} resources to {args.to}"
        with progress.busy(what):
            told = writing.LazyContents(nodes, contents.__getitem__, lambda names: progress.tracked(names, f"{what}, nodes"))
            writing.write(told, args.to, beside)
    for node, held in contents.items():
        _tell_unreadable(node, held)
    return 0


def _tell_unreadable(node: str, held: Sequence[Resource[Any]]) -> None:
    """A note on stderr for each resource that was written as hidden because it could not be read: that is no secret."""
    sys.stdout.flush()
    for resource in held:
        spec = spec_at_hand(resource)
        if isinstance(spec, RedactedSpec) and spec.unreadable:
            told = f"{node}: {resource.type}/{resource.id} cannot be read ({spec.unreadable}), so what in it is secret is not known: "
            print(f"note: {printable(told)}written as {REDACTED}; --show-secrets writes it as it is", file=sys.stderr)
