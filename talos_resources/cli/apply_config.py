"""`apply-config`: gives nodes a configuration out of a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli import changing, options
from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.sources.configuration import NodeConfiguration

HELP: Final = "Give nodes a configuration out of a file"
DESCRIPTION: Final = """\
Give nodes the configuration in a file, the whole of it: a patch is none. It is checked by the rules of each
node's release first; nothing is sent that is not valid. Node by node; those that fail are named."""
EXAMPLES: Final = """\
-f worker.yaml -n 10.0.0.4,10.0.0.5 --dry-run
-f controlplane.yaml -n 10.0.0.1 --mode try --timeout 2m
-f worker.yaml -n 10.0.0.4 --config-patch @kubespan.yaml
"""


def configure(parser: Parser) -> None:
    """Adds the file, patches, and how to apply it."""
    parser.add_argument("-f", "--file", required=True, metavar="FILE", help="the configuration; - for stdin")
    parser.add_argument(
        "-p",
        "--config-patch",
        action="append",
        default=[],
        metavar="PATCH",
        help="a strategic or JSON patch for it, or @FILE; may be repeated, applied in order",
    )
    changing.add_changing(parser)


def run(args: Namespace) -> int:
    """Applies it; returns the exit code."""
    from talos_resources.cli.configuration import read_configuration
    from talos_resources.codec.goyaml.nodes import to_text
    from talos_resources.machineconfig.patch.apply import patch_text
    from talos_resources.machineconfig.patch.load import load_patch

    text = to_text(read_configuration(args.file), source=args.file)
    patches = [load_patch(argument) for argument in args.config_patch]
    if patches:
        patched = patch_text(text, patches, source=args.file)
        text = patched.text
        for note in patched.notes:
            print(f"note: {note}", file=sys.stderr)
    how = changing.how_to_apply(args)

    def change(configuration: NodeConfiguration) -> None:
        changing.give_and_tell(configuration, text, how)

    with options.opened(args) as (cluster, selected):
        return changing.node_by_node(cluster, selected, change)
