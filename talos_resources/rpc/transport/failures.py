"""Why an endpoint cannot be used, in words."""

from __future__ import annotations

import socket
from typing import Final

from talos_resources.rpc.transport.contract import Credentials, TransportError
from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.link import SilenceError

PROBE_TIMEOUT_S: Final = 3.0

# OpenSSL's numbers (X509_V_ERR_…).
_CERTIFICATE_FAULTS: Final = {
    7: "its certificate is unknown: signed by another authority than {source} has",
    9: "its certificate is not valid yet: check the clocks",
    10: "its certificate has expired",
    18: "its certificate is unknown: signed by another authority than {source} has",
    19: "its certificate is unknown: signed by another authority than {source} has",
    20: "its certificate is unknown: signed by another authority than {source} has",
    21: "its certificate is unknown: signed by another authority than {source} has",
    62: "its certificate is for another name than the address that was dialled",
    64: "its certificate is for another name than the address that was dialled",
}

_NOT_IN_MAINTENANCE: Final = (
    "it wants a client certificate, so it is not in maintenance mode: leave out --insecure (insecure=True), and ask it with a talosconfig"
)
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")


def connect_failure(error: OSError, *, credentials: Credentials | None, service: str) -> TransportError:
    """Why there is no connection.

    Args:
        error: what the socket or TLS says.
        credentials: those that were used.
        service: what should be there, "a Talos API".
    """
    words = _tls_words(error, credentials, service) if credentials is not None else None
    return TransportError(words or _socket_words(error), refused=True)


def end_of_connection(
    error: BaseException, *, first_bytes: bytes, address: str, credentials: Credentials | None, service: str
) -> TransportError:
    """Why a connection ended that had been made.

    Args:
        error: what ended it.
        first_bytes: the first that came on it; empty if nothing did.
        address: of the endpoint.
        credentials: those that were used.
        service: what should be there, "a Talos API".
    """
    if not isinstance(error, Exception):
        return TransportError("interrupted")
    if isinstance(error, TimeoutError):
        return TransportError("timed out", timed_out=True)
    words = _unlike(error, first_bytes, credentials, service)
    if words is None and isinstance(error, OSError):
        words = _tls_words(error, credentials, service) if credentials is not None else None
        if words is None and not first_bytes and not isinstance(error, SilenceError):  # it hung up on us
            words = _silent_end(address, credentials, service)
    if words is not None:
        return TransportError(words, refused=True)
    return TransportError(f"the connection broke ({_socket_words(error)})", silent=isinstance(error, SilenceError))


def _unlike(error: Exception, first_bytes: bytes, credentials: Credentials | None, service: str) -> str | None:
    """What the other side is instead of what it should be."""
    if first_bytes.startswith(b"HTTP/1"):
        return f"not {service}: it speaks HTTP/1"
    if credentials is None and first_bytes.startswith(_TLS_RECORDS):
        return f"not {service} without TLS: it speaks TLS"
    if isinstance(error, ProtocolError) and "does not speak" in str(error):
        return f"not {service}: {error}"
    return None


def _silent_end(address: str, credentials: Credentials | None, service: str) -> str | None:
    """Why it may have hung up without a word."""
    if credentials is not None:
        # What is wrong with our certificate a server says after the handshake, if it says it at all.
        return _unwanted(credentials)
    if not address.startswith("unix:") and _speaks_tls(address):
        return f"not {service} without TLS: it speaks TLS"
    return None


def _speaks_tls(address: str) -> bool:
    from talos_resources.rpc.transport.tls import speaks_tls

    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_TIMEOUT_S) as connection:
            return speaks_tls(connection)
    except OSError:
        return False


def _tls_words(error: OSError, credentials: Credentials | None, service: str) -> str | None:
    """What TLS says; None if it is not about TLS."""
    import ssl

    if not isinstance(error, ssl.SSLError):
        return None
    assert credentials is not None
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _CERTIFICATE_FAULTS.get(error.verify_code)
        if known is None:
            return f"its certificate is not one of {service}: {error.verify_message}"
        return known.format(source="this system" if credentials.ca is None else credentials.source)
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "no application protocol" in reason:
        return f"not {service}: it does not speak HTTP/2"
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason or "access denied" in reason or "decrypt" in reason):
        return _unwanted(credentials)
    if "alert" in reason and "handshake failure" in reason and credentials.crt is None:
        return _unwanted(credentials)
    if isinstance(error, ssl.SSLEOFError) or "wrong version number" in reason or "packet length" in reason or "record layer" in reason:
        return f"not {service}: it does not speak TLS"
    return f"TLS failed: {reason}"


def _unwanted(credentials: Credentials) -> str:
    """Why the other side may not accept our certificate."""
    if credentials.fingerprints is not None:
        return _NOT_IN_MAINTENANCE
    if credentials.crt is None:
        return f"not authorised: it wants a client certificate, and {credentials.source} has none"
    from datetime import UTC, datetime

    from talos_resources.rpc.pki import certificate_from_pem

    if certificate_from_pem(credentials.crt).not_valid_after_utc < datetime.now(UTC):
        return f"not authorised: the certificate of {credentials.source} has expired"
    return f"not authorised: it does not accept the certificate of {credentials.source}"


def _socket_words(error: Exception) -> str:
    """What went wrong, for people."""
    match error:
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case TimeoutError():
            return "timed out"
        case socket.gaierror():
            return "no such host"
        case FileNotFoundError():
            return "no such socket"
        case OSError():
            return _of_errno(error)
        case _:
            return str(error)


def _of_errno(error: OSError) -> str:
    import errno

    if error.errno == errno.ENETUNREACH:
        return "no route to it: the network is unreachable"
    if error.errno == errno.EHOSTUNREACH:
        return "no route to it"
    return error.strerror or str(error)
