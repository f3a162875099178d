"""Discovery, KubeSpan and the names of the node, as documents of their own.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

import re
from typing import Final

from talos_resources.machineconfig.pem import decoded
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.network import MINIMUM_MTU
from talos_resources.machineconfig.validate.report import Subject, is_address, is_filter

_SCHEMES: Final = ("http", "https", "grpc")
_SECRET_BYTES: Final = 32
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)


def check_service(subject: Subject) -> None:
    """DiscoveryServiceConfig."""
    if not subject.text("name"):
        subject.error("name is required")
    text = subject.text("endpoint")
    if not text:
        subject.error("endpoint is required")
        return
    url = urls.parse(text)
    if not url.scheme:
        subject.error("endpoint scheme is required")
    elif url.scheme not in _SCHEMES:
        subject.error("endpoint scheme must be http://, https:// or grpc://")
    elif not url.hostname:
        subject.error("endpoint host is required")


def check_identity(subject: Subject) -> None:
    """DiscoveryIdentityConfig: Talos tells the first fault only; none repeats the secret."""
    secret = subject.text("clusterSecret")
    if not subject.text("clusterID"):
        subject.error("clusterID is required")
    elif not secret:
        subject.error("clusterSecret is required")
    else:
        try:
            size = len(decoded(secret))
        except ValueError:
            subject.error("invalid clusterSecret: it is not standard base64")
            return
        if size != _SECRET_BYTES:
            subject.error(f"invalid clusterSecret: expected {_SECRET_BYTES} bytes, got {size}")


def check_kubespan(subject: Subject) -> None:
    """KubeSpanConfig: also when it is not enabled."""
    mtu = subject.fields.get("mtu")
    if mtu is not None and mtu < MINIMUM_MTU:
        subject.error(f"kubespan link MTU must be at least {MINIMUM_MTU}")
    for entry in subject.section("filters").get("endpoints") or ():
        if not is_filter(entry):
            subject.error(f'KubeSpan endpoint filter is not valid: "{entry.removeprefix("!")}"')


def check_hostname(subject: Subject) -> None:
    """HostnameConfig."""
    auto, hostname = subject.fields.get("auto"), subject.text("hostname")
    if auto is None and not hostname:
        subject.error("either 'auto' or 'hostname' must be set")
    if auto not in {None, "off"} and hostname:
        subject.error("'auto' and 'hostname' cannot be set at the same time; auto: off goes with a hostname")
    if auto == "talos-addr":
        subject.error('auto: "talos-addr" is not supported, there are stable and off')
    label = hostname.partition(".")[0]
    if hostname and (len(hostname) > 253 or not 1 <= len(label) <= 63):
        subject.error(f'"{hostname[:80]}" is no hostname')


def check_resolver(subject: Subject) -> None:
    """ResolverConfig: name servers by their protocol, host DNS that is off cannot do anything."""
    servers = subject.fields.get("nameservers") or ()
    encrypted = 0
    for index, server in enumerate(servers):
        protocol, name = server.get("protocol", "Do53"), server.get("tlsServerName", "")
        encrypted += protocol != "Do53"
        if not server.get("address"):
            subject.error(f"nameserver address must be a valid IP: entry {index}")
        if protocol != "Do53" and not name:
            subject.error(f"tlsServerName must be set when protocol is {protocol}: entry {index}")
        elif protocol == "Do53" and name:
            subject.error(f"tlsServerName must be empty when protocol is Do53: entry {index}")
    if servers and encrypted == len(servers):
        subject.warn(
            "all name servers use encrypted DNS: certificates need a correct clock, so booting may stall when time servers are names; "
            "keep one plain server, or name time servers by address"
        )
    host_dns = subject.section("hostDNS")
    if host_dns.get("enabled") is False:
        for key in ("forwardKubeDNSToHost", "resolveMemberNames"):
            if host_dns.get(key):
                subject.error(f"hostDNS.{key} cannot be enabled when hostDNS.enabled is false")


def check_time(subject: Subject) -> None:
    """TimeSyncConfig."""
    if subject.text("bootTimeout").startswith("-"):
        subject.error("bootTimeout cannot be negative")
    ntp = subject.fields.get("ntp")
    if ntp is not None and subject.fields.get("ptp") is not None:
        subject.error("only one of ntp or ptp configuration can be specified")
    if ntp is not None and ntp.get("useNTS"):
        for server in ntp.get("servers") or ():
            if is_address(server):
                subject.error(f'NTS requires hostnames, not IP addresses: "{server}"')


def check_static_host(subject: Subject) -> None:
    """StaticHostConfig: the name is an address."""
    if not is_address(subject.text("name")):
        subject.error("name must be a valid IP address")
    if not subject.fields.get("hostnames"):
        subject.error("at least one hostname must be specified")
