"""TLS 1.3 records made by hand, with the secrets that Python logs: `ssl` sends no KeyUpdate."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_APPLICATION_DATA = 23
_KEY_UPDATE = bytes([24, 0, 0, 1, 1])
"""With the wish that the other side updates its keys, too."""


class Records:
    """What a client sends after its handshake."""

    def __init__(self, address: str, context: ssl.SSLContext, folder: Path, *, source: str = "127.0.0.1") -> None:
        """Connects and shakes hands.

        Args:
            address: of the server.
            context: of the client.
            folder: for the secrets of the session.
            source: our own address.
        """
        host, _, port = address.rpartition(":")
        log = folder / f"secrets-{id(self)}"
        context.keylog_filename = str(log)
        self.socket = socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._incoming = incoming
        self._session = session = context.wrap_bio(incoming, outgoing)
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                self.socket.sendall(outgoing.read())
                incoming.write(self.socket.recv(65536))
            else:
                break
        self.socket.sendall(outgoing.read())
        cipher = session.cipher()
        assert cipher is not None
        self._hash = hashes.SHA384() if cipher[0].endswith("SHA384") else hashes.SHA256()
        self._key_bytes = 16 if "AES_128" in cipher[0] else 32
        (secret,) = (line.split()[2] for line in log.read_text().splitlines() if line.startswith("CLIENT_TRAFFIC_SECRET_0 "))
        self._begin(bytes.fromhex(secret))

    def data(self, data: bytes) -> bytes:
        """A record of data."""
        return self._sealed(data, _APPLICATION_DATA)

    def key_update(self) -> bytes:
        """A record that says that the next ones are under another key."""
        record = self._sealed(_KEY_UPDATE, 22)
        self._begin(self._derived(self._secret, "traffic upd", self._hash.digest_size))
        return record

    def receive(self) -> bytes:
        """What the server says next; nothing when it has hung up."""
        while True:
            try:
                return self._session.read(65536)
            except ssl.SSLWantReadError:
                with suppress(ConnectionError):
                    if arrived := self.socket.recv(65536):
                        self._incoming.write(arrived)
                        continue
                return b""

    def _begin(self, secret: bytes) -> None:
        self._secret, self._number = secret, 0
        self._aead = AESGCM(self._derived(secret, "key", self._key_bytes))
        self._nonce = self._derived(secret, "iv", 12)

    def _derived(self, secret: bytes, label: str, size: int) -> bytes:
        name = b"tls13 " + label.encode()
        return HKDFExpand(self._hash, size, size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0").derive(secret)

    def _sealed(self, data: bytes, kind: int) -> bytes:
        head = bytes([_APPLICATION_DATA, 3, 3]) + (len(data) + 17).to_bytes(2, "big")
        nonce = (int.from_bytes(self._nonce, "big") ^ self._number).to_bytes(12, "big")
        self._number += 1
        return head + self._aead.encrypt(nonce, data + bytes([kind]), head)
