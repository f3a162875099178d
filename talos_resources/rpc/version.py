"""MachineService.Version: the one call of a Talos node, beside its resources, that talosctl makes before every `get`.

Source: Talos machinery v1.13.3, machine.VersionResponse.
"""

from __future__ import annotations

from typing import Final

import attrs

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


@attrs.frozen(kw_only=True)
class VersionInfo:
    """What a node says of the Talos that it runs; empty where it does not say it.

    Attributes:
        tag: the release, `v1.13.3`.
        sha: the commit that it was built from.
        built: when it was built, as whoever built it wrote it.
        go_version: `go1.26.1`.
        os: `linux`.
        arch: `amd64`.
    """

    tag: str
    sha: str = ""
    built: str = ""
    go_version: str = ""
    os: str = ""
    arch: str = ""


def version_info(response: bytes) -> VersionInfo:
    """The version of the first node of a VersionResponse.

    Raises:
        DecodeError: it is no such message, or of no node.
    """
    info: bytes | None = response
    for number in (1, 2):
        info = None if info is None else _payload(info, number)
    texts = [_payload(info or b"", number) for number in range(1, 7)]
    tag, *others = ((text or b"").decode("utf-8", "replace") for text in texts)
    if texts[0] is None:
        raise DecodeError("has no version", path="version")
    return VersionInfo(tag=tag, **dict(zip(("sha", "built", "go_version", "os", "arch"), others, strict=True)))


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
