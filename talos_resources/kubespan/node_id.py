"""Node identities: 32 random bytes in a compact base62, and the machine id that follows from them.

The text is not a big number in base 62: characters carry six bits, those of the values 30 and 31
(and 62 and 63, which have no character) only five.

Source: Talos v1.12.3, node identity; golden/kubespan/identity.json.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from talos_resources.kubespan.constants import NODE_IDENTITY_FILE
from talos_resources.kubespan.files import read_or_make
from talos_resources.model.errors import DecodeError

NODE_ID_BYTES: Final = 32
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_SHORT: Final = 0x1E


def encode(raw: bytes) -> str:
    """The base62 text of bytes; the first character is the least significant."""
    number, left = int.from_bytes(raw, "big"), 8 * len(raw)
    text = []
    while left > 0:
        value, size = number & 0x3F, 6
        if value & _SHORT == _SHORT:
            if left > 6 or value > 31:
                size = 5
            value &= 0x1F
        text.append(_ALPHABET[value])
        number >>= size
        left -= size
    return "".join(text)


def decode(text: str) -> bytes:
    """The bytes of a base62 text.

    Raises:
        DecodeError: a character that does not belong there.
    """
    number = bits = 0
    last = len(text) - 1
    for index, character in enumerate(text):
        value = _VALUES.get(character)
        if value is None:
            msg = f"illegal base62 data at input byte {len(text[:index].encode())}"
            raise DecodeError(msg)
        number |= value << bits
        if index == last:
            # The last one has as many bits as are missing to a whole number of bytes.
            bits += max(value.bit_length(), -bits % 8)
        else:
            bits += 5 if value & _SHORT == _SHORT else 6
    return number.to_bytes((bits + 7) // 8, "big")


def generate_node_id() -> str:
    """A fresh node id of 43 or 44 characters."""
    return encode(secrets.token_bytes(NODE_ID_BYTES))


def machine_id(node_id: str) -> str:
    """What `/etc/machine-id` holds on the node: the first 16 bytes in hexadecimal.

    Raises:
        DecodeError: the node id is not base62, or too short.
    """
    raw = decode(node_id)
    if len(raw) < 16:
        msg = f"a node id of {len(raw)} bytes is too short for a machine id; it has {NODE_ID_BYTES}"
        raise DecodeError(msg, value=node_id)
    return raw[:16].hex()


def load_node_id(directory: Path) -> str:
    """The node id that a directory keeps in `node-identity.yaml`; made, and written with mode 0600, the first time.

    Raises:
        DecodeError: the file is no node identity.
        OSError: the directory cannot be read or written.
    """
    fields: dict[str, Any] = read_or_make(directory / NODE_IDENTITY_FILE, ("nodeId",), lambda: {"nodeId": generate_node_id()})
    return str(fields["nodeId"])
