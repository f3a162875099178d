"""`doctor`: what is wrong with the mesh, why, and what to do."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from talos_resources.cli import options
from talos_resources.cli.mesh import look
from talos_resources.cli.parser import Parser
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.insight.doctor import Diagnosis

HELP: Final = "say what is wrong with the mesh, why, and what to do"
DESCRIPTION: Final = """\
Look at peers, discovery, addresses and settings of all nodes together and name what is wrong: one finding
for one cause, the worst first. Exit code 3 when something is found; notes do not count."""
EXAMPLES: Final = """\
-n 10.0.0.1,10.0.0.2,10.0.0.3
--from support.zip
--config controlplane.yaml --config worker.yaml
-o json
--list
"""

FOUND: Final = 3


def configure(parser: Parser) -> None:
    """Adds what to look at and how to say it."""
    parser.add_argument("--config", action="append", default=[], metavar="FILE", help="a machine configuration to check with the rest")
    parser.add_argument("--list", action="store_true", help="list the rules and stop")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Examines and tells."""
    if args.list:
        return _list()
    configs = tuple(_config(file) for file in args.config)
    with options.opened(args) as (cluster, selected):
        from talos_resources.insight.doctor import examine

        wanted = tuple(selected) if args.nodes else cluster.nodes
        snapshot, _ = look(cluster, wanted, full=True)
        diagnosis = examine(attrs.evolve(snapshot, configs=configs))
        _tell(args, diagnosis)
    return 0 if diagnosis.is_clean else FOUND


def _list() -> int:
    from talos_resources.insight.rules.registry import rules

    every = rules()
    width = max(len(rule.name) for rule in every)
    for rule in every:
        print(f"{rule.name:{width}}   {rule.severity.value:7}   {rule.about}")
    return 0


def _config(file: str) -> tuple[str, Any]:
    from talos_resources.codec.goyaml.nodes import to_text
    from talos_resources.machineconfig.documents import MachineConfig

    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None
    return file, MachineConfig.load(to_text(data, source=file), source=file)


def _tell(args: Namespace, diagnosis: Diagnosis) -> None:
    if args.output == "json":
        import json

        print(json.dumps(diagnosis.to_plain(), indent=2, ensure_ascii=False))
        return
    from talos_resources.views.findings import findings_text
    from talos_resources.views.mesh_text import summary

    width = Screen().width
    sys.stdout.write(f"{summary(diagnosis.mesh)}\n")
    if diagnosis.findings:
        sys.stdout.write("\n")
    sys.stdout.write(findings_text(diagnosis.findings, width=width))
    for line in diagnosis.blind:
        sys.stdout.write(f"not known: {line}\n")
