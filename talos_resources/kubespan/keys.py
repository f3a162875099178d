"""WireGuard keys: 32 bytes for Curve25519, in padded base64. Source: WireGuard's `wg` and Talos v1.12.3."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import Final

from talos_resources.model.errors import DecodeError

KEY_BYTES: Final = 32
_ALPHABET: Final = re.compile(r"[A-Za-z0-9+/]*")


def parse_key(text: str) -> bytes:
    """The 32 bytes of a key.

    Raises:
        DecodeError: no padded standard base64, or not 32 bytes. The message never shows the key.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        msg = f"wgtypes: failed to parse base64-encoded key: illegal base64 data at input byte {_bad_byte(text)}"
        raise DecodeError(msg) from None
    if len(raw) != KEY_BYTES:
        msg = f"wgtypes: incorrect key size: {len(raw)}"
        raise DecodeError(msg)
    return raw


def _bad_byte(text: str) -> int:
    """Where Go's decoder gives up: at the first foreign character, else at the quantum that is not whole."""
    good = _ALPHABET.match(text)
    end = good.end() if good else 0
    if end == len(text):
        return end - end % 4
    return end + 1 if text[end] == "=" and end % 4 > 1 and text[end:] != "=" * (4 - end % 4) else end


def generate_private_key() -> str:
    """A fresh private key, clamped as WireGuard does."""
    return clamp(secrets.token_bytes(KEY_BYTES))


def clamp(raw: bytes) -> str:
    """A private key of 32 bytes of any origin."""
    key = bytearray(raw)
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return base64.b64encode(key).decode()


def public_key(private_key: str) -> str:
    """The public key of a private one, which need not be clamped.

    Raises:
        DecodeError: the text is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    raw = X25519PrivateKey.from_private_bytes(parse_key(private_key)).public_key().public_bytes_raw()
    return base64.b64encode(raw).decode()
