"""The values without parts: how each is read from its text, and what is written back.

A reading takes the source text of a scalar and gives the value in its canonical form, which is what Talos
writes. Values are str, bool or int; `zero` is what an absent value stands for.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from talos_resources.machineconfig.schema import enums, sizes, urls
from talos_resources.model.duration import Duration
from talos_resources.model.net import format_address, parse_address


@attrs.frozen
class Reading:
    """How a scalar is read.

    Attributes:
        read: source text → value; raises ValueError with a reason.
        zero: the value that absence stands for.
        resolved: what the scalar has to resolve to by YAML's rules: "bool", "int", or "text" where the
            source text alone counts (so 0x1f stays 0x1f, and quotes do not matter).
        number: how what resolves to a whole number is read, where text is read otherwise.
    """

    read: Callable[[str], Any]
    zero: Any = ""
    resolved: str = "text"
    number: Callable[[str], Any] | None = None


def _base64(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(re.sub("[\r\n]", "", text), validate=True)).decode()
    except (binascii.Error, ValueError):
        raise ValueError("illegal base64 data") from None


def _address(text: str) -> str:
    return format_address(parse_address(text)) if text else ""


def _prefix(text: str) -> str:
    if not text:
        return ""
    address, slash, bits = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9]\d{0,2}", bits, re.ASCII):
        raise ValueError(f"{text!r} is not an address with a prefix length")
    found = parse_address(address)
    if "%" in address:
        raise ValueError(f"{text!r} has a zone, which a network cannot have; leave {address[address.index('%') :]} out")
    if int(bits) > found.max_prefixlen:
        raise ValueError(f"{text!r} has a prefix longer than {found.max_prefixlen} bits")
    return f"{format_address(found)}/{bits}"


def _address_port(text: str) -> str:
    if not text:
        return ""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("not an ip:port")
    bracketed = host.startswith("[") and host.endswith("]")
    address = parse_address(host[1:-1] if bracketed else host)
    if bracketed != (address.version == 6):
        raise ValueError("an IPv6 address with a port needs brackets, an IPv4 address has none")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 0xFFFF:
        raise ValueError(f"invalid port {port!r}")
    shown = format_address(address)
    return f"[{shown}]:{int(port)}" if bracketed else f"{shown}:{int(port)}"


def _hardware_address(text: str) -> str:
    digits = text.replace(":", "")
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits) is None:
        raise ValueError(f"{text!r} is not a hardware address such as 00:1a:2b:3c:4d:5e")
    return bytes.fromhex(digits).hex(":")


def _port_range(text: str) -> int | str:
    match = re.fullmatch(r"(\d+)-(\d+)", text, re.ASCII) if len(text) <= 64 else None
    if match is None:
        raise ValueError(f"{text[:64]!r} is not a range of ports; a single port is a number without quotes")
    first, last = int(match[1]), int(match[2])
    if not (first <= 0xFFFF and last <= 0xFFFF):
        raise ValueError(f"{text!r} is outside of 0..65535")
    return first if first == last else f"{first}-{last}"


def _number(low: int, high: int) -> Reading:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"{text} is outside of {low}..{high}")
        return value

    return Reading(read, zero=0, resolved="int")


def _manifest(text: str) -> str:
    """Talos cuts these (not blanks) in front of an inline manifest when it reads one."""
    return text.lstrip("\t\n\v\f\r")


def _duration(text: str) -> str:
    """As Go writes it: 1h30m is 1h30m0s."""
    return str(Duration.parse(text))


def _no_time(text: str) -> str:
    if int(text):
        raise ValueError(f"{text} is no duration without a unit; say {text}s for seconds")
    return "0s"


def _bool(text: str) -> bool:
    return text == "true"


SCALARS: Final[Mapping[str, Reading]] = MappingProxyType(
    {
        "string": Reading(str),
        "manifest": Reading(_manifest),
        "bool": Reading(_bool, zero=False, resolved="bool"),
        **{f"int{bits}": _number(-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
        **{f"uint{bits}": _number(0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
        "int": _number(-(1 << 63), (1 << 63) - 1),
        "uint": _number(0, (1 << 64) - 1),
        "os.FileMode": _number(0, (1 << 32) - 1),
        "base64": Reading(_base64),
        "v1alpha1.Base64Bytes": Reading(_base64),
        "time.Duration": Reading(_duration, zero="0s", number=_no_time),
        "v1alpha1.DiskSize": Reading(sizes.disk_size, zero="0 B"),
        "v1alpha1.InstallDiskSizeMatcher": Reading(sizes.size_matcher),
        "block.ByteSize": Reading(sizes.byte_size),
        "block.Size": Reading(sizes.size),
        "cel.Expression": Reading(str),
        "config.ContainerNetworkMode": Reading(str),
        "config.ContainerSecurityProfile": Reading(str),
        "v1alpha1.Endpoint": Reading(urls.canonical),
        "meta.URL": Reading(urls.canonical),
        "netip.Addr": Reading(_address),
        "netip.Prefix": Reading(_prefix),
        "netip.AddrPort": Reading(_address_port),
        **{f"{package}.Addr": Reading(_address) for package in ("network", "meta")},
        **{f"{package}.Prefix": Reading(_prefix) for package in ("network", "meta")},
        **{f"{package}.AddrPort": Reading(_address_port) for package in ("network", "meta")},
        "network.PortRange": Reading(_port_range, number=_number(0, 0xFFFF).read),
        "nethelpers.HardwareAddr": Reading(_hardware_address),
        "nethelpers.RoutingTable": Reading(enums.routing_table, zero="unspec"),
        **{name: Reading(enums.reader(name), zero=enums.ZEROS.get(name, "")) for name in enums.VALUES},
    }
)
