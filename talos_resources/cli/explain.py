"""`explain`: what a resource type and its fields are."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from talos_resources.cli import options
from talos_resources.cli.parser import Parser
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import UnknownKindError
from talos_resources.model.kind import Kind
from talos_resources.state.contract import State

HELP = "Tell what a resource type and its fields are"
DESCRIPTION = "Tell what a resource type is, who writes it, and each field with its type, unit and meaning."
EXAMPLES = """\
kubespanpeerstatuses
kubespanpeerstatus.state
affiliates.kubespan.publicKey
"""


def configure(parser: Parser) -> None:
    """Adds the type and where definitions come from."""
    parser.add_argument("what", metavar="TYPE[.FIELD]", help="any name of the type, and a field in the spelling of YAML")
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Explains with the definitions of the first node."""
    from talos_resources.views.explain import explain

    with options.opened(args) as (cluster, nodes):
        kind, path = _split(args.what, cluster.state(nodes[0]))
        print(explain(kind, path, width=Screen().width), end="")
    return 0


def _split(what: str, state: State) -> tuple[Kind[Any], list[str]]:
    """The type and the field: a type may have dots too, so the longest name that is one counts."""
    from talos_resources.state.registry import resolve_class

    parts = what.split(".")
    unknown = None
    for resolve in (state.kind, resolve_class):  # what the node has, and what it could have
        for end in range(len(parts), 0, -1):
            try:
                return resolve(".".join(parts[:end])), parts[end:]
            except UnknownKindError as error:
                unknown = unknown or error if end == 1 else unknown
    assert unknown is not None
    raise unknown
