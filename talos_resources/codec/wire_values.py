"""Values that are messages of their own on the wire: addresses, prefixes, endpoints and times.

Source: Talos machinery v1.13.3 (common.NetIP, NetIPPort, NetIPPrefix), protobuf's Timestamp.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import Final

from talos_resources.codec.protowire import LEN, VARINT, WireError, lengthened, read_payload, read_varint, signed, skip, varint
from talos_resources.model.duration import Duration
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import URL

_ZERO_SECONDS: Final = -62_135_596_800  # year 1
_LAST_SECOND: Final = 253_402_300_799  # year 9999
_SECOND_NS: Final = 1_000_000_000
_BYTES_1: Final = 1 << 3 | LEN
_INT_1: Final = 1 << 3 | VARINT
_INT_2: Final = 2 << 3 | VARINT


# The same few addresses and times are in many resources: each is decoded once and shared.
_shared: Final = functools.lru_cache(maxsize=16_384)


def _packed(address: IPAddress) -> bytes:
    """Field 1: the address bytes, a zone as text behind them."""
    if type(address) is ipaddress.IPv4Address:
        return b"\x0a\x04" + int(address).to_bytes(4, "big")
    data = address.packed
    if zone := getattr(address, "scope_id", None):
        data += zone.encode()
    return lengthened(b"\x0a", data)


@functools.lru_cache(maxsize=1024)
def _number(number: int) -> bytes:
    """Field 2, of which there are few: ports and prefix lengths."""
    return b"\x10" + varint(number) if number else b""


def address_to_wire(address: IPAddress | None) -> bytes:
    """A NetIP."""
    return b"" if address is None else _packed(address)


def addrport_to_wire(endpoint: AddrPort | None) -> bytes:
    """A NetIPPort."""
    if endpoint is None:
        return b""
    return _packed(endpoint.address) + _number(endpoint.port)


def addrport_field(lead: bytes, endpoint: AddrPort) -> bytes:
    """A NetIPPort behind its tag."""
    address = endpoint.address
    if type(address) is not ipaddress.IPv4Address:
        return lengthened(lead, addrport_to_wire(endpoint))
    port = _number(endpoint.port)
    return b"%b%c\x0a\x04%b%b" % (lead, 6 + len(port), int(address).to_bytes(4, "big"), port)


def prefix_to_wire(prefix: IPPrefix | None) -> bytes:
    """A NetIPPrefix; one without a length has -1, as Go has it, and so does none at all within a list."""
    if prefix is None:
        return _number(-1)
    return _packed(prefix.address) + _number(-1 if prefix.length is None else prefix.length)


@functools.lru_cache(maxsize=16_384)
def time_to_wire(moment: Timestamp) -> bytes:
    """A Timestamp."""
    seconds, nanos = divmod(moment, _SECOND_NS)
    data = b"\x08" + varint(seconds) if seconds else b""
    return b"%b\x10%b" % (data, varint(nanos)) if nanos else data


def _address(data: bytes) -> IPAddress | None:
    size = len(data)
    if size == 4:
        return ipaddress.IPv4Address(data)
    if size == 16:
        return ipaddress.IPv6Address(data)
    if size == 0:
        return None
    if size < 16:
        raise WireError(f"an address of {size} bytes, which is neither 4 nor 16")
    zone = data[16:].decode()
    if not zone or "%" in zone:
        raise WireError(f"an address with the zone {zone!r}")
    return ipaddress.IPv6Address(f"{ipaddress.IPv6Address(data[:16])}%{zone}")


def _net(data: bytes) -> tuple[IPAddress | None, int]:
    """The address (field 1) and the number (field 2) of a NetIP, NetIPPort or NetIPPrefix."""
    packed, number, position = b"", 0, 0
    while position < len(data):
        key = data[position]
        position += 1
        if key > 127:
            key, position = read_varint(data, position - 1)
        if key == _BYTES_1:
            packed, position = read_payload(data, position)
        elif key == _INT_2:
            number, position = read_varint(data, position)
        else:
            position = skip(data, position, key)
    return _address(packed), signed(number, 32)


@_shared
def address_from_wire(data: bytes) -> IPAddress | None:
    """Reads a NetIP; None for no address.

    Raises:
        WireError: no message, or no address.
    """
    return _net(data)[0]


@_shared
def addrport_from_wire(data: bytes) -> AddrPort | None:
    """Reads a NetIPPort; None if it has no address.

    Raises:
        WireError: no message, no address, or a port beyond 65535.
    """
    if len(data) > 7 and data[6] == _INT_2 and data.startswith(b"\x0a\x04"):  # IPv4, as nearly all are
        number, position = read_varint(data, 7)
        if position == len(data) and number <= 65535:
            return AddrPort(ipaddress.IPv4Address(int.from_bytes(data[2:6], "big")), number)
    address, port = _net(data)
    if not 0 <= port <= 65535:
        raise WireError(f"the port {port} is not from 0 to 65535")
    return None if address is None else AddrPort(address, port)


@_shared
def prefix_from_wire(data: bytes) -> IPPrefix | None:
    """Reads a NetIPPrefix; None if it has no address.

    Raises:
        WireError: no message, or no address.
    """
    address, length = _net(data)
    if address is None:
        return None
    return IPPrefix(address, length if 0 <= length <= address.max_prefixlen else None)


def _numbers(data: bytes) -> tuple[int, int]:
    """The seconds (field 1) and nanoseconds (field 2) of a Timestamp or Duration."""
    seconds = nanos = position = 0
    while position < len(data):
        key = data[position]
        position += 1
        if key > 127:
            key, position = read_varint(data, position - 1)
        if key == _INT_1:
            seconds, position = read_varint(data, position)
        elif key == _INT_2:
            nanos, position = read_varint(data, position)
        else:
            position = skip(data, position, key)
    return signed(seconds), signed(nanos, 32)


@_shared
def time_from_wire(data: bytes) -> Timestamp:
    """Reads a Timestamp.

    Raises:
        WireError: no message, or a time outside of the years 1 to 9999.
    """
    if len(data) > 7 and data[0] == _INT_1 and data[6] == _INT_2:  # 1970 to 3058, as nearly all are
        seconds, middle = read_varint(data, 1)
        nanos, position = read_varint(data, 7)
        if middle == 6 and position == len(data) and nanos < _SECOND_NS:
            return Timestamp(seconds * _SECOND_NS + nanos)
    seconds, nanos = _numbers(data)
    if not _ZERO_SECONDS <= seconds <= _LAST_SECOND or not 0 <= nanos < _SECOND_NS:
        raise WireError(f"a time of {seconds} s and {nanos} ns, which is not in the years 1 to 9999")
    return Timestamp(seconds * _SECOND_NS + nanos)


def duration_to_wire(value: Duration) -> bytes:
    """A google.protobuf.Duration: whole seconds and the rest, both with the sign of the value."""
    seconds, nanos = divmod(abs(value.nanoseconds), _SECOND_NS)
    if value.nanoseconds < 0:
        seconds, nanos = -seconds, -nanos
    data = b"\x08" + varint(seconds) if seconds else b""
    return b"%b\x10%b" % (data, varint(nanos)) if nanos else data


def duration_from_wire(data: bytes) -> Duration:
    """Reads a Duration.

    Raises:
        WireError: no message, or one beyond what Go's time.Duration holds.
    """
    seconds, nanos = _numbers(data)
    total = seconds * _SECOND_NS + nanos
    if not -(2**63) <= total < 2**63:
        raise WireError(f"a duration of {seconds} s, which is more than 292 years")
    return Duration(total)


def url_to_wire(url: URL | None) -> bytes:
    """A common.URL."""
    return lengthened(b"\x0a", url.encode()) if url else b""


def url_from_wire(data: bytes) -> URL | None:
    """Reads a common.URL; its text is not looked at; None where there is none."""
    text, position = b"", 0
    while position < len(data):
        key, position = read_varint(data, position)
        if key == _BYTES_1:
            text, position = read_payload(data, position)
        else:
            position = skip(data, position, key)
    return URL(text.decode()) if data else None
