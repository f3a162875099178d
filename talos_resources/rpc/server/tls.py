"""TLS of servers: who must show what, and what TLS itself may cost.

A record that brings nothing costs work and no right: whoever has shaken hands, which at a discovery service is
everybody, may send KeyUpdates, of 27 bytes and 13 µs each and with an answer that waits to be taken. Fifty connections
with 5,000 of them, 6 MB in all, kept a server busy for 6.4 s, and OpenSSL has no limit. An honest client sends one in
sixteen million records. So records are given to OpenSSL a few at a time, and those are counted that nothing comes of.
"""

from __future__ import annotations

import ssl
import time
from typing import Any, Final

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.server.floods import Allowance
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.rpc.transport.tls import load_pem

_AT_ONCE: Final = 128
"""Records that OpenSSL gets before somebody looks at what came of them."""

_BARREN: Final = 100
_BARREN_PER_S: Final = 1.0
"""Records that bring nothing: so many at once, and so many a second after that."""

_HEADER: Final = 5
_KINDS: Final = range(20, 25)
_LARGEST: Final = (16 << 10) + 2048
"""Bytes of a record: TLS 1.2's, which may be the larger ones."""


def server_context(credentials: Credentials) -> ssl.SSLContext:
    """TLS 1.3 as a Talos node speaks it: clients must show a certificate of the authority.

    Raises:
        ConfigError: certificates that cannot be used.
    """
    if credentials.ca is None:
        raise ConfigError("a server that asks for certificates needs the authority they come from")
    context = _context(credentials, oldest=ssl.TLSVersion.TLSv1_3)
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cadata=credentials.ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise _unusable(error) from None
    return context


def open_context(credentials: Credentials) -> ssl.SSLContext:
    """TLS as the public discovery service speaks it: whoever comes may come in.

    Raises:
        ConfigError: certificates that cannot be used.
    """
    return _context(credentials, oldest=ssl.TLSVersion.TLSv1_2)


def _context(credentials: Credentials, *, oldest: ssl.TLSVersion) -> ssl.SSLContext:
    if credentials.crt is None or credentials.key is None:
        raise ConfigError("a server needs a certificate and its key")
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = oldest
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2"])
    try:
        load_pem(context, credentials.crt, credentials.key)
    except (ssl.SSLError, ValueError) as error:
        raise _unusable(error) from None
    return context


def _unusable(error: Exception) -> ConfigError:
    return ConfigError(f"the server's certificates cannot be used: {getattr(error, 'reason', None) or 'not PEM'}")


class _Session(ssl.SSLObject):
    """The server's side of a connection."""

    def begin(self, arrived: ssl.MemoryBIO, taken: ssl.MemoryBIO) -> None:
        """Goes on with what has arrived; OpenSSL reads what is taken of it."""
        self._arrived, self._taken = arrived, taken
        self._cut = bytearray()  # a record whose end has not arrived
        self._waiting = 0  # records that were taken, and of which nothing has come yet
        self._is_tls = True
        self._barren = Allowance(_BARREN, _BARREN_PER_S)

    def do_handshake(self) -> None:
        """Record by record: all that come later are counted."""
        while True:
            try:
                super().do_handshake()
            except ssl.SSLWantReadError:
                if not self._take(1):
                    raise
            else:
                self._waiting = 0
                return

    def read(self, len: int = 1024, buffer: Any = None) -> bytes:
        """What a record brings, if `len` is as much as that.

        Raises:
            ssl.SSLError: too many of them brought nothing.
        """
        while True:
            try:
                found = super().read(len, buffer)
            except ssl.SSLWantReadError:
                if not self._more():
                    raise
            else:
                self._waiting -= 1
                return found

    def unwrap(self) -> None:
        """Takes leave; otherwise as `read`."""
        while True:
            try:
                super().unwrap()
            except ssl.SSLWantReadError:
                if not self._more():
                    raise
            else:
                return

    def getpeercert(self, binary_form: bool = False) -> dict[str, object] | bytes | None:  # type: ignore[override]
        """As ever, but what Python cannot read of a certificate, an address that is no UTF-8 for example, refuses it.

        Raises:
            ssl.SSLCertVerificationError: it cannot be read.
        """
        try:
            return super().getpeercert(binary_form)  # type: ignore[return-value]
        except UnicodeDecodeError:
            raise ssl.SSLCertVerificationError("a certificate with names that cannot be read") from None

    def _more(self) -> bool:
        """Gives OpenSSL, which has read all that it was given, more; False where there is none."""
        if not self._is_tls or not self._barren.take(max(self._waiting, 0), now=time.monotonic()):
            raise ssl.SSLError("a flood of records that bring nothing")
        self._waiting = 0
        return self._take(_AT_ONCE)

    def _take(self, most: int) -> bool:
        """Gives OpenSSL whole records; False where there are none. What are no records it gets as they are."""
        self._cut += self._arrived.read()
        position = found = 0
        while found < most and self._is_tls and len(self._cut) - position >= _HEADER:
            size = int.from_bytes(self._cut[position + 3 : position + _HEADER], "big")
            self._is_tls = self._cut[position] in _KINDS and size <= _LARGEST
            if len(self._cut) - position - _HEADER < size:
                break
            position += _HEADER + size
            found += 1
        if not self._is_tls:
            position = len(self._cut)
        if not position:
            return False
        self._taken.write(self._cut[:position])
        del self._cut[:position]
        self._waiting += found
        return True


class _Context(ssl.SSLContext):
    sslobject_class = _Session

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> _Session:
        taken = ssl.MemoryBIO()
        made = super().wrap_bio(taken, outgoing, server_side, server_hostname, session)
        assert isinstance(made, _Session)
        made.begin(incoming, taken)
        return made
