"""MachineService.Version: the one call of a Talos node, beside its resources, that talosctl makes before every `get`.

Source: Talos machinery v1.13.3, machine.VersionResponse.
"""

from __future__ import annotations

from typing import Final

from talos_resources.codec.protowire import LEN, WireError, read_payload, read_varint, skip
from talos_resources.model.errors import DecodeError
from talos_resources.rpc.messages import field

VERSION: Final = "/machine.MachineService/Version"


def version_response(tag: str, *, python: str, platform: str) -> bytes:
    """A VersionResponse of one node: version, build, and that it has roles."""
    info = field(1, tag.encode()) + field(4, python.encode()) + field(5, b"linux")
    features = b"\x08\x01"  # rbac
    version = field(2, info) + field(3, field(1, platform.encode())) + field(4, features)
    return field(1, version)


def version_tag(response: bytes) -> str:
    """The version of the first node of a VersionResponse.

    Raises:
        DecodeError: it is no such message, or of no node.
    """
    data: bytes | None = response
    for number in (1, 2, 1):
        data = None if data is None else _payload(data, number)
    if data is None:
        raise DecodeError("has no version", path="version")
    return data.decode("utf-8", "replace")


def _payload(data: bytes, wanted: int) -> bytes | None:
    """The first length-delimited field of this number."""
    position = 0
    try:
        while position < len(data):
            key, position = read_varint(data, position)
            if key & 7 != LEN:
                position = skip(data, position, key)
                continue
            payload, position = read_payload(data, position)
            if key >> 3 == wanted:
                return payload
    except WireError as error:
        raise DecodeError(f"not a message: {error}", path="version") from None
    return None
