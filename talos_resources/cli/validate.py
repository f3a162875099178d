"""`validate`: whether Talos would accept a machine configuration."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli.compat import add_compat
from talos_resources.cli.configuration import read_configuration
from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.model.errors import DecodeError
    from talos_resources.releases import Release

HELP: Final = "check a machine configuration"
EXAMPLES: Final = """\
controlplane.yaml --mode metal
-c worker.yaml -m cloud --strict --explain
"""


def configure(parser: Parser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the configuration")
    parser.add_argument("-c", "--config", metavar="FILE", help="the same, as talosctl names it")
    parser.add_argument("-m", "--mode", required=True, metavar="MODE", help="where the machine runs: cloud, container or metal")
    parser.add_argument("--strict", action="store_true", help="warnings of the v1alpha1 document are errors")
    parser.add_argument("--talos-version", metavar="VERSION", help="judge as Talos of this version does (default: the newest that we know)")
    add_compat(parser, "judge as this talosctl does")
    parser.add_argument("--explain", action="store_true", help="tell also what Talos accepts and the guide warns of")


def run(args: Namespace) -> int:
    """Prints the verdict and returns 0 if the configuration is valid."""
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.machineconfig.validate import validate
    from talos_resources.model.errors import ConfigError, DecodeError
    from talos_resources.releases import NEWEST, release_of

    name = args.file or args.config
    if not name or (args.file and args.config):
        raise ConfigError("name one configuration file: validate FILE --mode MODE")
    release = args.compat or (release_of(args.talos_version) if args.talos_version else NEWEST)
    try:
        config = MachineConfig.load(read_configuration(name), source=name, release=release)
    except DecodeError as error:
        if args.explain:
            _explain_keys(error, release)
        raise
    report = validate(config, args.mode, strict=args.strict)
    if args.explain:
        _explain(config, name)
    for label, faults in (("WARNING", report.warnings), ("ERROR", report.errors)):
        for fault in faults:
            print(f"{label}: {fault}", file=sys.stderr)
    if report.errors:
        return 1
    print(f"{name} is valid for {args.mode} mode")
    return 0


def _explain(config: MachineConfig, name: str) -> None:
    """Prints what the guide warns of, in the form of `doctor`, on stderr: the verdict is not changed by it."""
    from talos_resources.machineconfig.cilium.check import check
    from talos_resources.machineconfig.cilium.subject import Subject, machine_file
    from talos_resources.machineconfig.explain import explain
    from talos_resources.model.finding import findings_text, ordered

    findings = ordered([*check(Subject(machines=(machine_file(config, source=name),))), *explain(config, source=name)])
    if findings:
        sys.stderr.write(findings_text(findings))


def _explain_keys(error: DecodeError, release: Release) -> None:
    """Prints where an unknown key may belong, before the error itself."""
    from talos_resources.machineconfig.explain import nearest_keys

    for line in nearest_keys(error, release=release):
        print(f"note: {line}", file=sys.stderr)
