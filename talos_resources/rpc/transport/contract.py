"""What a gRPC call needs from HTTP/2: a request goes out, and the reply is handed out as it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs

DEFAULT_TIMEOUT_S: Final = 60.0
"""How long a call may take."""


class TransportError(Exception):
    """The other side could not be reached, or the connection broke.

    Attributes:
        reason: in words, for people.
        refused: the request cannot have been acted upon, so that another endpoint may be asked.
        timed_out: the time of the call was up.
        silent: the connection had been dead for a while before that was noticed.
    """

    def __init__(self, reason: str, *, refused: bool = False, timed_out: bool = False, silent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.timed_out = timed_out
        self.silent = silent

    def again(self) -> TransportError:
        """The same for another one who waits: an exception that is raised twice mixes up its tracebacks."""
        return TransportError(self.reason, refused=self.refused, timed_out=self.timed_out, silent=self.silent)


class Reply(Protocol):
    """The answer to one request, while it arrives."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """The trailers, names in lower case; empty before the end."""
        ...

    def read(self) -> bytes | bytearray | memoryview | None:
        """The next piece of the body, None at its end.

        Raises:
            TransportError: the connection broke, the time was up, or `close` was called.
        """
        ...

    def close(self) -> None:
        """Gives the reply up; any thread may, and a `read` that waits ends. Twice is no error."""
        ...


class Transport(Protocol):
    """A way to one endpoint; connections are made when they are needed."""

    @property
    def address(self) -> str:
        """What people call the endpoint, `10.0.0.1:50000` or `unix:/run/x`."""
        ...

    @property
    def service(self) -> str:
        """What should be there, for messages: `a Talos API`."""
        ...

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> Reply:
        """Sends a request and waits for the head of the reply.

        Args:
            path: `/package.Service/Method`.
            headers: beside those of HTTP/2 itself.
            body: all of it.
            timeout: seconds for the whole exchange, None for no end.

        Raises:
            TransportError: there is no reply.
        """
        ...

    def close(self) -> None:
        """Releases the connections; twice is no error."""
        ...


@attrs.frozen(kw_only=True)
class Credentials:
    """Certificates for mutual TLS, PEM; the key never shows in a repr.

    Attributes:
        ca: the authorities that the other side's certificate must come from; None for those that the system trusts.
        crt: our certificate; None to show none.
        key: its key, under a label that OpenSSL knows.
        fingerprints: of the keys that the other side's certificate may have, instead of an authority (base64 of the
            SHA-256 of its public key, as Talos prints them); empty for any key, None to go by the authorities.
        source: where they come from, for messages.
    """

    ca: bytes | None = attrs.field(default=None, repr=False)
    crt: bytes | None = attrs.field(default=None, repr=False)
    key: bytes | None = attrs.field(default=None, repr=False)
    fingerprints: tuple[str, ...] | None = None
    source: str = "the talosconfig"
