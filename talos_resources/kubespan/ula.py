"""Unique local IPv6 prefixes that are made from the cluster id.

Source: Talos v1.12.3, ULA prefixes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from enum import IntEnum
from typing import Final

from talos_resources.model.net import IPAddress, IPPrefix

_ULA: Final = 0xFD
_PURPOSE_BYTE: Final = 7


class Purpose(IntEnum):
    """What a prefix is for; it is the last byte of the /64."""

    UNKNOWN = 0
    BOOTSTRAP = 1
    KUBESPAN = 2
    SIDEROLINK = 3
    VIRTUAL_SIDEROLINK = 4


def ula_prefix(cluster_id: str, purpose: int = Purpose.KUBESPAN) -> IPPrefix:
    """The /64 of a cluster for a purpose.

    Args:
        cluster_id: the text as it stands in the machine configuration; it is not decoded.
        purpose: 0 to 255; `Purpose` has those that are in use.

    Raises:
        ValueError: the purpose is no byte.
    """
    digest = bytearray(hashlib.sha256(cluster_id.encode()).digest()[-16:])
    digest[0] = _ULA
    digest[_PURPOSE_BYTE] = purpose
    return IPPrefix(ipaddress.IPv6Address(bytes(digest[:8]) + bytes(8)), 64)


def is_ula(address: IPAddress, purpose: int = Purpose.KUBESPAN) -> bool:
    """Whether an address lies in any cluster's prefix for the purpose."""
    packed = address.packed
    return address.version == 6 and packed[0] == _ULA and packed[_PURPOSE_BYTE] == purpose
