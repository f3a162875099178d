"""Go's names in Python's spelling."""

from __future__ import annotations

import keyword
import re
from typing import Final

# Plurals of initialisms, and others that a rule would cut in the wrong place.
_WORDS: Final = (
    ("CIDRs", "Cidrs"),
    ("SANDNS", "SanDns"),
    ("SANIPs", "SanIps"),
    ("SANs", "Sans"),
    ("CPUs", "Cpus"),
    ("UIDs", "Uids"),
    ("IDs", "Ids"),
    ("CAs", "Cas"),
    ("IPs", "Ips"),
    ("PVs", "Pvs"),
    ("LVs", "Lvs"),
    ("IPv4", "Ipv4"),
    ("IPv6", "Ipv6"),
    ("KubeSpan", "Kubespan"),
)
# Texts of enumerations whose names cannot be made of their letters.
_MEMBERS: Final = {"==": "EQUAL", "!=": "NOT_EQUAL", "802.3ad": "IEEE_802_3AD", "802.1q": "IEEE_802_1Q", "802.1ad": "IEEE_802_1AD"}


def snake(name: str) -> str:
    """`nodeCIDRMaskSizeIPv4` → `node_cidr_mask_size_ipv4`; a keyword gets an underscore."""
    for word, replacement in _WORDS:
        name = name.replace(word, replacement)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def member(text: str) -> str:
    """The name of an enumeration's member: `lowerLayerDown` → `LOWER_LAYER_DOWN`."""
    if text in _MEMBERS:
        return _MEMBERS[text]
    name = snake(text).strip("_").upper()
    return f"V{name}" if name[0].isdigit() else name


def class_name(go_name: str) -> str:
    """The name of a structure or enumeration, without its package."""
    return go_name.rpartition(".")[2]
