"""TLS over a link.

It goes through memory (`ssl.MemoryBIO`): OpenSSL must not be called by two threads at once, and TLS through a proxy
that is itself reached by TLS is the same class twice.
"""

from __future__ import annotations

import contextlib
import ssl
import threading

from talos_resources.rpc.transport.link import RECEIVE_BYTES, Link
from talos_resources.state.timeout import Deadline


class TlsLink:
    """TLS over another link; the handshake is done when it is made."""

    def __init__(self, inner: Link, context: ssl.SSLContext, host: str | None, deadline: Deadline) -> None:
        """Shakes hands.

        Args:
            inner: carries it.
            context: what is shown and what is demanded.
            host: the name or address that the certificate must be for; None where it is not looked at.
            deadline: for the handshake.

        Raises:
            TimeoutError: the time is up.
            OSError: also `ssl.SSLError`: they do not come together.
        """
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # As bytes: for a text Python would load the tables of international names.
        name = None if host is None else host.encode("ascii")
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._early = b""
        self._shake_hands(deadline)

    @property
    def waiting(self) -> bool:
        """See `Link`."""
        return self._inner.waiting

    @property
    def certificate(self) -> bytes | None:
        """The other side's, DER."""
        return self._tls.getpeercert(binary_form=True)

    @property
    def protocol(self) -> str | None:
        """What both sides will speak, by ALPN."""
        return self._tls.selected_alpn_protocol()

    def send(self, data: bytes, deadline: Deadline) -> None:
        """See `Link`."""
        with self._sending:
            with self._lock:
                self._tls.write(data)
                sealed = self._outgoing.read()
            self._inner.send(sealed, deadline)

    def receive(self, deadline: Deadline) -> bytes:
        """See `Link`."""
        if self._early:
            early, self._early = self._early, b""
            return early
        while True:
            sealed = self._inner.receive(deadline)
            with self._lock:
                plain, ended = self._opened(sealed)
            try:
                self._flush(deadline)
            except TimeoutError as error:  # half a record may be sent, and what was taken in is lost: nobody can go on
                raise ConnectionResetError("it takes no answer") from error
            if plain or ended:
                return plain

    def push_back(self, data: bytes) -> None:
        """See `Link`."""
        self._early = data + self._early

    def has_more(self) -> bool:
        """See `Link`; whole records are opened as they come, so there is more where there are more bytes."""
        return bool(self._early) or self._inner.has_more()

    def wakeable(self) -> None:
        """See `Link`."""
        self._inner.wakeable()

    def wake(self) -> None:
        """See `Link`."""
        self._inner.wake()

    def shut_down(self) -> None:
        """See `Link`; the end of the HTTP/2 connection says what TLS's own farewell would."""
        self._inner.shut_down()

    def close(self) -> None:
        """See `Link`."""
        self._inner.close()

    def _opened(self, sealed: bytes) -> tuple[bytes, bool]:
        """The plain bytes in these records, and whether there will be no more."""
        if sealed:
            self._incoming.write(sealed)
        else:
            self._incoming.write_eof()
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(RECEIVE_BYTES)
            except ssl.SSLWantReadError:
                return b"".join(pieces), not sealed
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b"".join(pieces), True
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)

    def _flush(self, deadline: Deadline) -> None:
        """Sends what TLS itself has to say, a new key for example."""
        if self._outgoing.pending:
            with self._sending:
                with self._lock:
                    sealed = self._outgoing.read()
                self._inner.send(sealed, deadline)

    def _shake_hands(self, deadline: Deadline) -> None:
        # Our last word of it goes out with the first request.
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(deadline)
                sealed = self._inner.receive(deadline)
                if sealed:
                    self._incoming.write(sealed)
                else:
                    self._incoming.write_eof()
            except OSError:
                with contextlib.suppress(OSError):
                    self._flush(deadline)  # why, for the other side's log
                raise
            else:
                return
