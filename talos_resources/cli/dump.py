"""`dump`: copies what nodes hold into a file, an archive or a directory."""

from __future__ import annotations

from argparse import Namespace

from talos_resources.cli import options, progress
from talos_resources.cli.parser import Parser

HELP = "Write the resources of nodes to a file, a directory, a zip archive or a database"
DESCRIPTION = """\
Write the resources of nodes to a file, a directory, a zip archive or a database. The name of the target says the form:
*.wire.json (nothing is lost), *.yaml or *.json (as talosctl prints them), *.zip (a support bundle as `talosctl support`
writes it), a name without an ending (a folder per node, with everything), etcd://HOST:PORT/PREFIX (one node under the
prefix, several each under PREFIX/NODE), sqlite:PATH, - for YAML on stdout. --from reads every one of them.

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

    with options.opened(args) as (cluster, selected):
        nodes = selected if args.nodes else cluster.nodes
        contents = {}
        for node in progress.tracked(nodes, "reading nodes"):
            held = writing.held_by(cluster.state(node), args.types, show_secrets=args.show_secrets)
            contents[node] = writing.bundled(held, show_secrets=args.show_secrets) if args.to.endswith(".zip") else held
        writing.write(contents, args.to)
    return 0
