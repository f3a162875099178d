"""The resources by which KubeSpan asks for links, addresses, routes, policy rules and packet chains.

Source: Talos v1.14.0-rc.1;
golden/kubespan-1.14/manager.json and resources.json.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.kubespan.network import Address, Chain, ChainRule, DefaultRoute, Link, PolicyRule
from talos_resources.kubespan.network_statuses import POLICY_RULE_STATUSES
from talos_resources.kubespan.rendered import Form
from talos_resources.kubespan.wireguard import PeerConfig
from talos_resources.model.kind import untyped

SPEC_NAMESPACE: Final = "network-config"
"""Where what several controllers ask for is collected."""

_LAYER: Final = "operator"
_FAMILY: Final = {4: "inet4", 6: "inet6"}
_VERSION: Final = {family: version for version, family in _FAMILY.items()}


def _link(link: Link) -> dict[str, Any]:
    device = link.device
    return {
        "name": link.name,
        "logical": True,
        "up": True,
        "mtu": link.mtu,
        "kind": "wireguard",
        "type": "nohdr",
        "wireguard": {
            "privateKey": device.private_key,
            "listenPort": device.listen_port,
            "firewallMark": device.firewall_mark,
            "peers": [_peer(peer) for peer in device.peers],
        },
        "layer": _LAYER,
    }


def _peer(peer: PeerConfig) -> dict[str, Any]:
    return {
        "publicKey": peer.public_key,
        "presharedKey": peer.preshared_key,
        "endpoint": "" if peer.endpoint is None else str(peer.endpoint),
        "persistentKeepaliveInterval": f"{peer.keepalive_s}s",
        "allowedIPs": [str(prefix) for prefix in peer.allowed_ips],
    }


def _address(address: Address) -> dict[str, Any]:
    return {
        "address": str(address.address),
        "linkName": address.link,
        "family": _FAMILY[address.address.address.version],
        "scope": "global",
        "flags": "permanent",
        "layer": _LAYER,
    }


def _route(route: DefaultRoute) -> dict[str, Any]:
    mtu = {"mtu": route.mtu} if route.mtu else {}
    return {
        "family": _FAMILY[route.version],
        "dst": "",
        "src": "",
        "gateway": "",
        "outLinkName": route.link,
        "table": str(route.table),
        "priority": route.priority,
        "scope": "global",
        "type": "unicast",
        "flags": "",
        "protocol": "static",
        "layer": _LAYER,
        **mtu,
    }


def _policy_rule(rule: PolicyRule) -> dict[str, Any]:
    return {
        "family": _FAMILY[rule.version],
        "src": "",
        "dst": "",
        "table": str(rule.table),
        "priority": rule.priority,
        "action": "unicast",
        "fwMark": rule.mark,
        "fwMask": rule.mask,
        "layer": _LAYER,
    }


def _parse_policy_rule(plain: dict[str, Any]) -> PolicyRule:
    return PolicyRule(
        version=_VERSION[plain["family"]],
        mark=int(plain.get("fwMark", 0)),
        mask=int(plain.get("fwMask", 0)),
        table=int(plain["table"]),
        priority=int(plain["priority"]),
    )


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "type": chain.type,
        "hook": chain.hook,
        "priority": "filter",
        "policy": "accept",
        "rules": [_rule(rule) for rule in chain.rules],
    }


def _rule(rule: ChainRule) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if rule.mark is not None:
        plain["matchMark"] = {"mask": rule.mark.mask, "value": rule.mark.value}
    if rule.out_interface is not None:
        plain["matchOIfName"] = {"interfaceName": [rule.out_interface], "operator": "=="}
    if rule.destinations is not None:
        subnets = [str(prefix) for prefix in rule.destinations]
        plain["matchDestinationAddress"] = {"includeSubnets": subnets} if subnets else {}
    if rule.clamp_mss_to_mtu is not None:
        plain["clampMSS"] = {"mtu": rule.clamp_mss_to_mtu}
    if rule.set_mark is not None:
        plain["setMark"] = {"mask": rule.set_mark.mask, "xor": rule.set_mark.xor}
    if rule.accept:
        plain["verdict"] = "accept"
    return plain


LINK_SPECS: Final[Form[Link]] = Form(kind=untyped("LinkSpecs.net.talos.dev", "network"), plain=_link)
ADDRESS_SPECS: Final[Form[Address]] = Form(kind=untyped("AddressSpecs.net.talos.dev", "network"), plain=_address)
ROUTE_SPECS: Final[Form[DefaultRoute]] = Form(kind=untyped("RouteSpecs.net.talos.dev", "network"), plain=_route)
POLICY_RULE_SPECS: Final[Form[PolicyRule]] = Form(
    kind=untyped("RoutingRuleSpecs.net.talos.dev", "network"), plain=_policy_rule, parse=_parse_policy_rule
)
CHAINS: Final[Form[Chain]] = Form(
    kind=untyped("NfTablesChains.net.talos.dev", "network"),
    plain=_chain,
)


NETWORK_KINDS: Final = (LINK_SPECS.kind, ADDRESS_SPECS.kind, ROUTE_SPECS.kind, POLICY_RULE_SPECS.kind, POLICY_RULE_STATUSES, CHAINS.kind)
"""The kinds above, to be registered where a manager runs."""


def link_id(link: Link) -> str:
    """The id of a link spec."""
    return f"{_LAYER}/{link.name}"


def address_id(address: Address) -> str:
    """The id of an address spec."""
    return f"{_LAYER}/{address.link}/{address.own}"


def route_id(route: DefaultRoute) -> str:
    """The id of a route spec; those of IPv6 name the link too, as one gateway may be on several."""
    link = f"{route.link}/" if route.version == 6 else ""
    return f"{_LAYER}/{route.table}/{link}{_FAMILY[route.version]}///{route.priority}"


def policy_rule_id(rule: PolicyRule) -> str:
    """The id of the spec of a policy rule."""
    return f"{_LAYER}/{_FAMILY[rule.version]}/{rule.priority}"
