"""`machineconfig`: patch and generate the configuration of machines."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Final

from talos_resources.cli import migrate, options
from talos_resources.cli.compat import add_compat
from talos_resources.cli.configuration import alone, read_configuration, write_configuration
from talos_resources.cli.parser import Parser

HELP: Final = "patch, migrate or generate a machine configuration"
EXAMPLES: Final = """\
migrate controlplane.yaml --check
migrate controlplane.yaml -o controlplane.yaml
patch controlplane.yaml --patch @cilium.yaml --keep-comments -o controlplane.yaml
patch worker.yaml --patch @kubespan.yaml
patch worker.yaml --patch '[{"op": "add", "path": "/machine/certSANs", "value": ["10.0.0.1"]}]'
"""


def configure(parser: Parser) -> None:
    """Adds the commands of `machineconfig`."""
    from talos_resources.cli.gen import add_gen

    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    patch = actions.add_parser("patch", help="apply patches to a configuration", description="Apply patches to a configuration.")
    patch.set_defaults(action="patch")
    patch.add_argument("file", metavar="FILE", help="the configuration")
    options.add_patches(patch)
    patch.add_argument("-o", "--output", default="", metavar="FILE", help="write here instead of to stdout")
    patch.add_argument("--keep-comments", action="store_true", help="edit the text in place: every line that is not patched stays")
    add_compat(patch, "read, refuse and write as talosctl does, such as no JSON patch for several documents")
    moving = actions.add_parser(
        "migrate",
        help="bring a configuration into the form of another Talos",
        description="Bring a configuration into the form of another Talos. It means the same, and comments go with their keys.",
    )
    migrate.configure(moving)
    add_gen(actions.add_parser("gen", help="as `gen config`, without its flags", description="Make configurations, as `gen config` does."))


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    if args.action == "gen":
        from talos_resources.cli.gen import run_config

        return run_config(args)
    return migrate.run(args) if args.action == "migrate" else _run_patch(args)


def _run_patch(args: Namespace) -> int:
    """Writes the patched configuration."""
    with alone(args.file, args.output):
        return _patched(args)


def _patched(args: Namespace) -> int:
    from talos_resources.machineconfig.patch.apply import patch_text
    from talos_resources.machineconfig.patch.load import load_patch
    from talos_resources.releases import NEWEST

    data = read_configuration(args.file)
    patches = [load_patch(argument, release=args.compat or NEWEST) for argument in args.patch]
    if not patches:
        return _write(data if isinstance(data, bytes) else data.encode(), args.output)
    if args.keep_comments:
        from talos_resources.machineconfig.comments import patch_in_place

        patched = patch_in_place(data, patches, source=args.file, compat=args.compat)
    else:
        patched = patch_text(data, patches, source=args.file, compat=args.compat)
    for note in patched.notes:
        print(f"note: {note}", file=sys.stderr)
    return _write(patched.text.encode(), args.output)


def _write(data: bytes, output: str) -> int:
    """To a file as it is, to stdout with one more newline, as talosctl does."""
    if not output:
        sys.stdout.flush()
        if sys.stdout.isatty():  # bytes would pass by its guard
            sys.stdout.write(data.decode("utf-8", "replace") + "\n")
        else:
            sys.stdout.buffer.write(data + b"\n")
        return 0
    write_configuration(data, output)
    return 0
