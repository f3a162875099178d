"""`--talos-version` and `--for FILE`: for which Talos a patch is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talos_resources.cli.configuration import read_configuration
from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from argparse import Namespace

    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.releases import Contract


def add_form(parser: Parser) -> None:
    """Adds both options; they exclude each other."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--talos-version", metavar="VERSION", help="write for this Talos version, such as v1.12 (default: the newest)")
    either.add_argument("--for", dest="target", metavar="FILE", help="write for this machine configuration, in the form that it has")


def form(args: Namespace) -> tuple[Contract, MachineConfig | None]:
    """The contract to write for, and the configuration if one was named.

    Raises:
        ConfigError: no version, or a file that cannot be read.
        DecodeError: the file is no configuration.
    """
    from talos_resources.releases import Contract

    if args.target is None:
        return Contract.parse(args.talos_version), None
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.machineconfig.form import form_of

    config = MachineConfig.load(read_configuration(args.target), source=args.target)
    return form_of(config), config
