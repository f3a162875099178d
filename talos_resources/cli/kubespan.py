"""`kubespan`: the configuration patch that switches KubeSpan on, and changing it on the nodes of a cluster."""

from __future__ import annotations

import sys
from argparse import BooleanOptionalAction, Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli.form import add_form, form
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
    _add_settings(patch)
    add_form(patch)
    enable = actions.add_parser("enable", help="switch it on, node by node", description=ENABLE)
    _add_settings(enable)
    enable.add_argument("--with-discovery", action="store_true", help="switch discovery on too where it is off, with the public service")
    disable = actions.add_parser("disable", help="switch it off, node by node", description=DISABLE)
    change = actions.add_parser("set", help="change its settings, node by node", description=SET)
    _add_settings(change)
    for parser_ in (enable, disable, change):
        add_rollout(parser_)


def _add_settings(parser: Parser) -> None:
    """Adds what can be set of KubeSpan."""
    parser.add_argument("--mtu", metavar="MTU", help="of the WireGuard link; auto:LINK takes 80 bytes off the MTU of the link below it")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="CIDR", help="advertise these endpoints only, ! excludes; may be repeated"
    )
    parser.add_argument("--endpoint", action="append", default=[], metavar="IP:PORT", help="announce this address too; may be repeated")
    parser.add_argument("--advertise-kubernetes-networks", action=BooleanOptionalAction, help="route pod networks through KubeSpan")
    parser.add_argument("--allow-down-peer-bypass", action=BooleanOptionalAction, help="reach peers that are down without encryption")
    parser.add_argument("--harvest-extra-endpoints", action=BooleanOptionalAction, help="share the addresses at which peers are seen")


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    if args.action != "patch":
        from talos_resources.cli.kubespan_rollout import run as change

        return change(args)
    contract, config = form(args)
    from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, kubespan_patch, notes, parse_mtu
    from talos_resources.machineconfig.settings import Settings

    settings = KubeSpanSettings(
        enabled=not args.disable,
        mtu=None if args.mtu is None else parse_mtu(args.mtu),
        filters=tuple(args.filter),
        extra_endpoints=tuple(args.endpoint),
        advertise_kubernetes_networks=args.advertise_kubernetes_networks,
        allow_down_peer_bypass=args.allow_down_peer_bypass,
        harvest_extra_endpoints=args.harvest_extra_endpoints,
    )
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
