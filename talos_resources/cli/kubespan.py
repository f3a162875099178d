"""`kubespan`: the configuration patch that switches KubeSpan on, and changing it on the nodes of a cluster."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli.form import add_form, form
from talos_resources.cli.kubespan_settings import add_settings, settings_of
from talos_resources.cli.parser import Parser
from talos_resources.cli.rollout import add_rollout

if TYPE_CHECKING:
    from talos_resources.releases import Contract

HELP: Final = "switch KubeSpan on or off on live nodes, or print the patch for it"
EXAMPLES: Final = """\
enable -n 10.0.0.1,10.0.0.4 --dry-run
set -n 10.0.0.1 --mtu 1380 --dry-run
disable -n 10.0.0.4 --dry-run
patch --mtu auto:1450 --filter 0.0.0.0/0 --filter '!203.0.113.0/24' > kubespan.yaml
"""
_STEPS: Final = """\
Each node's own configuration is read, and what would change in it is shown, secrets hidden. One node after the
other gets it; after each the links between the nodes of -n have to be as they should, and it stops at the first
node where they are not, saying how to go back."""
ENABLE: Final = f"Switch KubeSpan on. {_STEPS}"
DISABLE: Final = f"Switch KubeSpan off. {_STEPS}"
SET: Final = f"Change the settings of KubeSpan; lists replace those that nodes have. {_STEPS}"


def configure(parser: Parser) -> None:
    """Adds the commands of `kubespan`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    patch = actions.add_parser("patch", help="the patch for a new or an existing cluster", description="Print the patch for a cluster.")
    patch.add_argument("--disable", action="store_true", help="switch KubeSpan off instead")
    add_settings(patch)
    add_form(patch)
    enable = actions.add_parser("enable", help="switch it on, node by node", description=ENABLE)
    add_settings(enable)
    enable.add_argument("--with-discovery", action="store_true", help="switch discovery on too where it is off, with the public service")
    disable = actions.add_parser("disable", help="switch it off, node by node", description=DISABLE)
    change = actions.add_parser("set", help="change its settings, node by node", description=SET)
    add_settings(change)
    for parser_ in (enable, disable, change):
        add_rollout(parser_)


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    if args.action != "patch":
        from talos_resources.cli.kubespan_rollout import run as change

        return change(args)
    contract, config = form(args)
    from talos_resources.machineconfig.kubespan_patch import kubespan_patch, notes
    from talos_resources.machineconfig.settings import Settings

    settings = settings_of(args, enabled=not args.disable)
    lacks = config is not None and not config.all("DiscoveryServiceConfig")
    text = kubespan_patch(settings, contract=contract, discovery=lacks)
    existing = Settings.of(config).kubespan.endpoint_filters if config is not None else None
    for note in (*notes(settings, existing=existing or ()), *_discovery_notes(settings.enabled, contract, config is None)):
        print(f"note: {note}", file=sys.stderr)
    sys.stdout.write(text)
    return 0


def _discovery_notes(enabled: bool, contract: Contract, is_unknown: bool) -> tuple[str, ...]:
    """What the patch does not say, because the configuration may say it already."""
    from talos_resources.releases import Feature

    if not (enabled and is_unknown and contract.has(Feature.DOCUMENTS)):
        return ()
    needs = f"Talos {contract} needs a DiscoveryServiceConfig for KubeSpan"
    return (f"{needs}; new configurations have one, and with --for FILE the patch adds it where it is missing",)
