"""Who a node is in the mesh: its address and its key pair. Source: Talos v1.12.3, KubeSpan identity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from talos_resources.kubespan.constants import IDENTITY_FILE
from talos_resources.kubespan.files import parse_fields, read_or_make, render_fields
from talos_resources.kubespan.keys import generate_private_key, public_key
from talos_resources.kubespan.ula import ula_prefix
from talos_resources.model.errors import DecodeError
from talos_resources.model.net import IPPrefix
from talos_resources.resources.kubespan.identity import KubeSpanIdentity

_KEYS: Final = ("address", "subnet", "privateKey", "publicKey")


def node_address(cluster_id: str, hardware_address: str) -> IPPrefix:
    """The KubeSpan address of a node, a /128.

    Args:
        cluster_id: see `ula_prefix`.
        hardware_address: of the node's first interface, six or eight bytes in hexadecimal with colons.

    Raises:
        DecodeError: the hardware address has another form.
    """
    from netaddr import EUI

    octets = hardware_address.split(":")
    try:
        raw = bytes.fromhex("".join(octets))
    except ValueError:
        raw = b""
    if len(raw) not in (6, 8) or len(octets) != len(raw):
        msg = "failed to parse MAC into EUI-64 address: eui64: MAC address must be in EUI-48 or EUI-64 form"
        raise DecodeError(msg, value=hardware_address)
    interface = int(EUI(int.from_bytes(raw, "big"), version=8 * len(raw)).modified_eui64())
    subnet = ula_prefix(cluster_id)
    return IPPrefix(type(subnet.address)(int(subnet.address) | interface), 128)


def complete_identity(stored: KubeSpanIdentity, *, cluster_id: str, hardware_address: str) -> KubeSpanIdentity:
    """The stored key pair with the address that follows from cluster and hardware.

    Raises:
        DecodeError: see `node_address`.
    """
    address = node_address(cluster_id, hardware_address)
    return attrs.evolve(stored, address=address, subnet=ula_prefix(cluster_id))


def new_identity() -> KubeSpanIdentity:
    """A fresh key pair, still without an address: what Talos saves before it computes one."""
    private = generate_private_key()
    return KubeSpanIdentity(private_key=private, public_key=public_key(private))


def parse_identity(text: str, *, source: str = IDENTITY_FILE) -> KubeSpanIdentity:
    """Reads the content of `kubespan-identity.yaml`.

    Raises:
        DecodeError: no identity; keys are never shown.
    """
    return _identity(parse_fields(text, _KEYS, source=source), source=source)


def _identity(fields: Mapping[str, str], *, source: str) -> KubeSpanIdentity:
    def prefix(key: str) -> IPPrefix | None:
        try:
            return IPPrefix.parse(fields[key]) if fields[key] else None
        except ValueError as error:
            raise DecodeError(str(error), path=key, source=source) from None

    return KubeSpanIdentity(
        address=prefix("address"), subnet=prefix("subnet"), private_key=fields["privateKey"], public_key=fields["publicKey"]
    )


def render_identity(identity: KubeSpanIdentity) -> str:
    """The content of `kubespan-identity.yaml`, secrets included."""
    return render_fields(_fields(identity))


def _fields(identity: KubeSpanIdentity) -> dict[str, str]:
    values = (str(identity.address or ""), str(identity.subnet or ""), identity.private_key, identity.public_key)
    return dict(zip(_KEYS, values, strict=True))


def load_identity(directory: Path) -> KubeSpanIdentity:
    """The key pair that a directory keeps; made, and written with mode 0600, the first time.

    Raises:
        DecodeError: the file is no identity, or its two keys do not belong together.
        OSError: the directory cannot be read or written.
    """
    path = directory / IDENTITY_FILE
    fields = read_or_make(path, _KEYS, lambda: _fields(new_identity()))
    identity = _identity(fields, source=str(path))
    if public_key(identity.private_key) != identity.public_key:
        msg = "the public key is not that of the private key; restore the file or delete it to get a new identity"
        raise DecodeError(msg, source=str(path), path="publicKey")
    return identity
