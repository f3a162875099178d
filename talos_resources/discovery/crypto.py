"""Sealing what the discovery service must not read.

Data is AES-GCM with a fresh nonce; endpoints are AES-ECB so that the same endpoint gives the same
bytes, by which the service knows those it has. The key is the cluster secret itself.

Source: discovery client v0.1.15; golden/discovery/crypto.json.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from typing import Final

from talos_resources.model.errors import ConfigError

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
BLOCK_BYTES: Final = 16
_KEY_BYTES: Final = (16, 24, 32)
_LONGEST_ENDPOINT: Final = 255


class SealError(ValueError):
    """Bytes that were not sealed with this key, or that nobody must be handed."""


class ClusterCipher:
    """Seals and opens with the secret of a cluster, which never shows."""

    __slots__ = ("_aead", "_blocks", "_nonce")

    def __init__(self, key: bytes, *, nonce: Callable[[int], bytes] = os.urandom) -> None:
        """Takes the decoded secret, and where nonces come from: each must be used once.

        Raises:
            ConfigError: the secret has another size than 16, 24 or 32 bytes.
        """
        if len(key) not in _KEY_BYTES:
            raise ConfigError(f"a cluster secret has 32 bytes (16 and 24 work too), this one has {len(key)}; `gen secrets` makes one")
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(key)
        self._blocks = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # so that equal endpoints are equal: see above
        self._nonce = nonce

    def seal(self, plain: bytes) -> bytes:
        """Nonce, ciphertext and tag; 28 bytes more than the plain text."""
        nonce = self._nonce(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, None)

    def open(self, sealed: bytes) -> bytes:
        """The plain text.

        Raises:
            SealError: sealed with another key, changed on the way, or cut off.
        """
        from cryptography.exceptions import InvalidTag

        if len(sealed) >= NONCE_BYTES + TAG_BYTES:
            try:
                return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
            except InvalidTag:
                pass
        raise SealError("cipher: message authentication failed")

    def seal_endpoint(self, plain: bytes) -> bytes:
        """Length, plain text and zeros in whole blocks; never empty.

        Raises:
            SealError: more than 255 bytes, which have no length byte.
        """
        if len(plain) > _LONGEST_ENDPOINT:
            raise SealError(f"an endpoint of {len(plain)} bytes; {_LONGEST_ENDPOINT} are the most that can be sent")
        padding = -(len(plain) + 1) % BLOCK_BYTES
        encryptor = self._blocks.encryptor()
        return encryptor.update(bytes([len(plain)]) + plain + bytes(padding)) + encryptor.finalize()

    def open_endpoint(self, sealed: bytes) -> bytes:
        """The plain text of an endpoint.

        Nothing proves who made it: any bytes give something. The real client crashes on an empty one, and
        on one whose length byte says more than there is.

        Raises:
            SealError: empty, no whole blocks, or shorter than it says.
        """
        if not sealed:
            raise SealError("the endpoint is empty")
        if len(sealed) % BLOCK_BYTES:
            raise SealError("endpoint size is not multiple of cipher block size")
        decryptor = self._blocks.decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        end = 1 + plain[0]
        if end > len(plain):
            raise SealError(f"the endpoint says that it has {plain[0]} bytes, and {len(plain) - 1} are there")
        return plain[1:end]

    def __repr__(self) -> str:
        return "<ClusterCipher>"


def decode_secret(text: str) -> bytes:
    """The bytes of a cluster secret: standard base64, padded, with line breaks anywhere.

    Raises:
        ConfigError: it is none; the secret is never shown.
    """
    bare = text.replace("\r", "").replace("\n", "")
    if re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", bare) is not None:
        try:
            return base64.b64decode(bare, validate=True)
        except binascii.Error:
            pass
    raise ConfigError("the cluster secret is no base64; `gen secrets` makes one")
