"""`runtime`: the controllers of a node."""

from __future__ import annotations

from argparse import Namespace

from talos_resources.cli.parser import Parser

HELP = "Draw which controllers read and write which resources"
DESCRIPTION = "Draw the controllers of a KubeSpan node: what each reads (<-) and what it writes (->)."
EXAMPLES = """\
graph
graph -o dot > controllers.dot
"""


def configure(parser: Parser) -> None:
    """Adds the one thing that can be done."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="graph")
    graph = commands.add_parser("graph", prog=f"{parser.prog} graph", description=DESCRIPTION, help="draw the graph")
    graph.add_argument("-o", "--output", choices=("text", "dot", "mermaid"), default="text", help="default: text")


def run(args: Namespace) -> int:
    """Prints the graph."""
    from talos_resources.runtime.graph import as_dot, as_mermaid, as_text, edges
    from talos_resources.simulate.cluster import SimulatedCluster
    from talos_resources.simulate.layouts import lan

    (node,) = lan(SimulatedCluster(), 1)
    draw = {"text": as_text, "dot": as_dot, "mermaid": as_mermaid}[args.output]
    print(draw(edges(node.controllers())), end="")
    return 0
