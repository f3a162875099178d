"""Links and what belongs to them: addresses, routes, rules, probes, BGP.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl where recorded.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Final

from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.report import Section, Subject, is_address, is_cidr

_LONGEST_LINK_NAME: Final = 15
_RESERVED_PRIORITIES: Final = (0, 32500, 32766, 32767)
_RESERVED_TABLES: Final = ("unspec", "default", "main", "local")
_MAX_VLAN: Final = 4094


def check_link(subject: Subject) -> None:
    """LinkConfig, DummyLinkConfig, BridgeConfig: a name, and what every link has."""
    _check_name(subject)
    _check_addressing(subject, subject.fields)


def _check_name(subject: Subject) -> None:
    if not subject.text("name"):
        subject.error("name must be specified")


def _check_addressing(subject: Subject, fields: Section) -> None:
    for index, entry in enumerate(fields.get("addresses") or ()):
        address = entry.get("address", "")
        if not address:
            subject.error(f"address {index} must be specified")
        elif ipaddress.ip_interface(address).ip.is_unspecified:
            subject.error(f"address {index} must be a valid IP address")
    for index, route in enumerate(fields.get("routes") or ()):
        for key, what in (("destination", "IP prefix"), ("gateway", "IP address"), ("source", "IP address")):
            text = route.get(key, "").partition("/")[0]
            if text and ipaddress.ip_address(text).is_unspecified:
                subject.error(f"route {index} {key} must be a valid {what}")


def check_vlan(subject: Subject) -> None:
    """VLANConfig."""
    _check_name(subject)
    if not 1 <= subject.fields.get("vlanID", 0) <= _MAX_VLAN:
        subject.error(f"vlanID must be specified and between 1 and {_MAX_VLAN}")
    if not subject.text("parent"):
        subject.error("parent must be specified")
    _check_addressing(subject, subject.fields)


def check_bond(subject: Subject) -> None:
    """BondConfig."""
    _check_name(subject)
    if not subject.fields.get("links"):
        subject.error("at least one link must be specified")
    if subject.fields.get("bondMode") is None:
        subject.error("bond mode must be specified")
    _check_addressing(subject, subject.fields)


def check_vrf(subject: Subject) -> None:
    """VRFConfig."""
    _check_name(subject)
    table = subject.fields.get("table", "unspec")
    if table in _RESERVED_TABLES:
        subject.error(f"cannot create vrf with reserved table {table}")
    _check_addressing(subject, subject.fields)


def check_veth(subject: Subject) -> None:
    """VethConfig: both ends have names that Linux takes."""
    peer = subject.section("peer")
    for what, name in (("name", subject.text("name")), ("peer name", peer.get("name", ""))):
        if not name:
            subject.error(f"{what} must be specified")
        elif len(name.encode()) > _LONGEST_LINK_NAME:
            subject.error(f"{what} must not exceed {_LONGEST_LINK_NAME} bytes")
        elif name in {".", ".."} or re.search(r"[/:\s]", name):
            subject.error(f'{what} must not be ".", ".." or contain "/", ":" or blanks')
    _check_addressing(subject, subject.fields)
    _check_addressing(subject, peer)


def check_wireguard(subject: Subject) -> None:
    """WireguardConfig: keys are never repeated in a message."""
    _check_name(subject)
    key = subject.text("privateKey")
    if not key:
        subject.error("wireguard private key must be specified")
    elif not _is_key(key):
        subject.error("wireguard private key is invalid")
    if not 0 <= subject.fields.get("listenPort", 0) <= 0xFFFF:
        subject.error("wireguard listen port must be between 0 and 65535")
    for index, peer in enumerate(subject.fields.get("peers") or ()):
        where = f"(peer index {index})"
        public, shared = peer.get("publicKey", ""), peer.get("presharedKey", "")
        if not public:
            subject.error(f"wireguard peer public key must be specified {where}")
        elif not _is_key(public):
            subject.error(f"wireguard peer public key is invalid {where}")
        if shared and not _is_key(shared):
            subject.error(f"wireguard peer preshared key is invalid {where}")
        if str(peer.get("persistentKeepaliveInterval", "")).startswith("-"):
            subject.error(f"wireguard peer persistent keepalive interval cannot be negative {where}")
    _check_addressing(subject, subject.fields)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def check_vip(subject: Subject) -> None:
    """Layer2VIPConfig, HCloudVIPConfig: the name is the address."""
    if not is_address(subject.text("name")):
        subject.error("name must be a valid IP address")
    if not subject.text("link"):
        subject.error("link must be specified")


def check_blackhole(subject: Subject) -> None:
    """BlackholeRouteConfig: the name is the network."""
    if not is_cidr(subject.text("name")):
        subject.error("name must be a valid address prefix")


def check_routing_rule(subject: Subject) -> None:
    """RoutingRuleConfig: the name is the priority."""
    name = subject.text("name")
    priority = int(name) if re.fullmatch(r"\d{1,9}", name, re.ASCII) else 0
    if not re.fullmatch(r"\d+", name, re.ASCII):
        subject.error("invalid name: must be priority parsable unsigned integer")
    if not 1 <= priority <= 32765 or priority in _RESERVED_PRIORITIES:
        reserved = " ".join(map(str, _RESERVED_PRIORITIES))
        subject.error(f"priority must be between 1 and 32765 (excluding reserved priorities [{reserved}])")
    if subject.fields.get("table", "unspec") == "unspec" and subject.fields.get("action", "unspec") in {"unspec", "unicast"}:
        subject.error("either table or a non-unicast action must be specified")
    families = {ipaddress.ip_interface(text).version for key in ("src", "dst") if (text := subject.text(key))}
    if len(families) > 1:
        subject.error("src and dst must be of the same address family")
    if subject.fields.get("fwMask") and not subject.fields.get("fwMark"):
        subject.error("fwMask requires fwMark to be set")


def check_dhcp(subject: Subject) -> None:
    """DHCPv4Config and DHCPv6Config: an identifier of its own goes with `clientIdentifier: duid` and with nothing else."""
    if not subject.text("name"):
        subject.error("name must be specified")
    by_duid, duid = subject.text("clientIdentifier") == "duid", subject.text("duidRaw")
    if duid and not by_duid:
        subject.error("duidRaw can only be set if clientIdentifier is 'duid'")
    if by_duid and not duid:
        subject.error("duidRaw must be set if clientIdentifier is 'duid'")


def _check_probe(subject: Subject, what: str) -> None:
    if subject.text("timeout").startswith("-"):
        subject.error(f"{what} probe timeout cannot be negative: {subject.text('timeout')}")
    if subject.text("interval").startswith("-"):
        subject.error(f"probe interval cannot be negative: {subject.text('interval')}")
    if subject.fields.get("failureThreshold", 0) < 0:
        subject.error(f"probe failure threshold cannot be negative: {subject.fields['failureThreshold']}")


def check_tcp_probe(subject: Subject) -> None:
    """TCPProbeConfig."""
    endpoint = subject.text("endpoint")
    if not endpoint:
        subject.error("TCP probe endpoint is required")
    elif not re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*):[^:]*", endpoint):
        subject.error(f'invalid TCP probe endpoint "{endpoint[:80]}": write it as HOST:PORT')
    _check_probe(subject, "TCP")


def check_http_probe(subject: Subject) -> None:
    """HTTPProbeConfig."""
    text = subject.text("url")
    url = urls.parse(text)
    if not text:
        subject.error("HTTP probe URL is required")
    elif url.scheme not in {"http", "https"}:
        subject.error(f'HTTP probe URL scheme must be http or https, got "{url.scheme}"')
    elif not url.hostname:
        subject.error("HTTP probe URL must be an absolute http or https URL with a non-empty host")
    _check_probe(subject, "HTTP")
