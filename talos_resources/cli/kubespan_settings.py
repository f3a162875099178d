"""The settings of KubeSpan as options: for a patch, and for the nodes of a cluster."""

from __future__ import annotations

from argparse import BooleanOptionalAction, Namespace
from typing import TYPE_CHECKING

from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings


def add_settings(parser: Parser) -> None:
    """Adds what can be set of KubeSpan."""
    parser.add_argument("--mtu", metavar="MTU", help="of the WireGuard link; auto:LINK takes 80 bytes off the MTU of the link below it")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="CIDR", help="advertise these endpoints only, ! excludes; may be repeated"
    )
    parser.add_argument("--endpoint", action="append", default=[], metavar="IP:PORT", help="announce this address too; may be repeated")
    parser.add_argument("--advertise-kubernetes-networks", action=BooleanOptionalAction, help="route pod networks through KubeSpan")
    parser.add_argument("--allow-down-peer-bypass", action=BooleanOptionalAction, help="reach peers that are down without encryption")
    parser.add_argument("--harvest-extra-endpoints", action=BooleanOptionalAction, help="share the addresses at which peers are seen")


def settings_of(args: Namespace, *, enabled: bool) -> KubeSpanSettings:
    """What the options of `add_settings` say.

    Raises:
        ConfigError: an MTU that is none.
    """
    from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, parse_mtu

    return KubeSpanSettings(
        enabled=enabled,
        mtu=None if args.mtu is None else parse_mtu(args.mtu),
        filters=tuple(args.filter),
        extra_endpoints=tuple(args.endpoint),
        advertise_kubernetes_networks=args.advertise_kubernetes_networks,
        allow_down_peer_bypass=args.allow_down_peer_bypass,
        harvest_extra_endpoints=args.harvest_extra_endpoints,
    )
