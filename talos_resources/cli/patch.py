"""`patch`: changes the configuration that nodes have."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli import changing, options
from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from talos_resources.sources.configuration import NodeConfiguration

HELP: Final = "Patch the configuration that nodes have"
DESCRIPTION: Final = """\
Patch the configuration that nodes have: each node's own is read, patched, checked by the rules of its release and
given back. Node by node; those that fail are named, and nothing is sent that is not valid."""
EXAMPLES: Final = """\
machineconfig -n 10.0.0.1,10.0.0.2 --patch @kubespan.yaml --dry-run
mc -n 10.0.0.4 -p '[{"op": "add", "path": "/machine/certSANs", "value": ["10.0.0.4"]}]' --mode no-reboot
"""

TYPES: Final = ("machineconfig", "machineconfigs", "mc", "machineconfigs.config.talos.dev")
"""The names of the only type that can be patched and edited."""


def configure(parser: Parser) -> None:
    """Adds the type, the patches, and how to apply them."""
    add_type(parser)
    options.add_patches(parser)
    parser.add_argument("--patch-file", action="append", default=[], metavar="FILE", help="the same as --patch @FILE, applied after those")
    changing.add_changing(parser)


def add_type(parser: Parser) -> None:
    """Adds the type, which is always the machine configuration."""
    parser.add_argument("type", metavar="TYPE", help="machineconfig, or mc: nothing else can be changed")
    parser.add_argument("id", metavar="ID", nargs="?", default="v1alpha1", help="(default: v1alpha1, the one in force)")


def check_type(args: Namespace, verb: str) -> None:
    """Refuses other types.

    Args:
        args: with what `add_type` adds.
        verb: the command.

    Raises:
        UsageError: it is another one.
    """
    if args.type.lower() not in TYPES or args.id != "v1alpha1":
        told = f"{verb} changes machineconfig v1alpha1, the one in force, and nothing else; not {args.type} {args.id}"
        raise UsageError(told, prog=f"talos-resources {verb}")


def run(args: Namespace) -> int:
    """Patches; returns the exit code."""
    from talos_resources.machineconfig.patch.apply import patch_text
    from talos_resources.machineconfig.patch.load import load_patch

    check_type(args, "patch")
    patches = [load_patch(argument) for argument in (*args.patch, *(f"@{file}" for file in args.patch_file))]
    if not patches:
        raise UsageError("a patch is missing; give one with --patch", prog="talos-resources patch")
    how = changing.how_to_apply(args)

    def change(configuration: NodeConfiguration) -> None:
        patched = patch_text(configuration.present, patches, source=f"the configuration of {configuration.node}")
        for note in patched.notes:
            print(f"note: {configuration.node}: {note}", file=sys.stderr)
        changing.give_and_tell(configuration, patched.text, how)

    with options.opened(args) as (cluster, selected):
        return changing.node_by_node(cluster, selected, change)
