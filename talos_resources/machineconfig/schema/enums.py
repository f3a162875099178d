"""The closed sets of words in configuration documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

# As Talos v1.13.3 spells them, `swapi` too.
VALUES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "block.EncryptionProviderType": ("none", "luks2"),
        "block.FilesystemType": ("none", "xfs", "vfat", "ext4", "iso9660", "swapi", "virtiofs", "btrfs"),
        "block.VolumeType": ("partition", "disk", "tmpfs", "directory", "symlink", "overlay", "external"),
        "nethelpers.ADLACPActive": ("off", "on"),
        "nethelpers.ADSelect": ("stable", "bandwidth", "count"),
        "nethelpers.ARPAllTargets": ("any", "all"),
        "nethelpers.ARPValidate": ("none", "active", "backup", "all", "filter", "filter-active", "filter-backup"),
        "nethelpers.AutoHostnameKind": ("off", "talos-addr", "stable"),
        "nethelpers.BondMode": (
            "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"),
        "nethelpers.BondXmitHashPolicy": ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4"),
        "nethelpers.ClientIdentifier": ("none", "mac", "duid"),
        "nethelpers.DefaultAction": ("accept", "block"),
        "nethelpers.DNSProtocol": ("Do53", "DoT", "DoH"),
        "nethelpers.FailOverMAC": ("none", "active", "follow"),
        "nethelpers.LACPRate": ("slow", "fast"),
        "nethelpers.PrimaryReselect": ("always", "better", "failure"),
        "nethelpers.Protocol": ("icmp", "tcp", "udp", "icmpv6"),
        "nethelpers.RoutingRuleAction": ("unspec", "unicast", "blackhole", "unreachable", "prohibit"),
        "nethelpers.VLANProtocol": ("802.1q", "802.1ad"),
        "nethelpers.WOLMode": (
            "phy", "unicast", "multicast", "broadcast", "magic", "magicsecure", "filter"),
        "storageres.LVMLogicalVolumeType": ("linear", "raid1", "raid0", "raid10"),
        "storageres.MDLevel": ("raid1",),
        "storageres.MDMetadata": ("1.0", "1.2"),
    }
)  # fmt: skip
"""Type → its words; the case in which they are written does not matter."""

_NUMBERED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "nethelpers.FailOverMAC": {
            "": "none",
            **{key: word for number, word in enumerate(VALUES["nethelpers.FailOverMAC"]) for key in (word, str(number))},
        }
    }
)
"""Types that are read otherwise: as a word in its own case, as its number, or as nothing."""

ZEROS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "block.EncryptionProviderType": "none",
        "block.FilesystemType": "none",
        "nethelpers.DefaultAction": "accept",
        "nethelpers.DNSProtocol": "Do53",
        "nethelpers.Protocol": "Protocol(0)",  # Go's text of a number that has no word; it cannot be read back
        "nethelpers.RoutingRuleAction": "unspec",
        "storageres.LVMLogicalVolumeType": "linear",
        "storageres.MDLevel": "raid1",
        "storageres.MDMetadata": "1.0",
    }
)
"""The words that an absent value stands for; other types are pointers or have no word for it."""


def reader(name: str) -> Callable[[str], str]:
    """The function that reads a word of this type and gives it in its own spelling."""
    words = {word.lower(): word for word in VALUES[name]}
    exact = _NUMBERED.get(name, {})

    def read(text: str) -> str:
        word = exact.get(text) if exact else words.get(text.lower())
        if word is None:
            raise ValueError(f"{text!r} is none of {', '.join(words.values())}")
        return word

    return read


_TABLES: Final = ("unspec", "default", "main", "local")


def routing_table(text: str) -> str:
    """The name of a routing table, or the number of one that has no name.

    Raises:
        ValueError: neither.
    """
    if text.lower() in _TABLES:
        return text.lower()
    if re.fullmatch(r"[1-9]\d{0,2}", text, re.ASCII) is None or int(text) > 252:
        raise ValueError(f"{text!r} is no routing table: {', '.join(_TABLES)} or 1..252")
    return text


SORT_ALGORITHMS: Final = ("v1", "v2")
"""How the addresses of a node may be ordered."""
