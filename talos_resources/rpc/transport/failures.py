"""Why an endpoint cannot be used, in words.

rustls says what is wrong with the other side's certificate. What the other side thinks of ours it says
in an alert after the handshake, which pyqwest loses; then one more connection, made with the standard
library, asks for it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from talos_resources.rpc.transport.contract import Credentials

if TYPE_CHECKING:
    import ssl

PROBE_TIMEOUT_S: Final = 3.0

_REFUSED: Final = "connection refused: nothing listens there"
_FOREIGN: Final = "its certificate is unknown: signed by another authority than the talosconfig has"
_OUTDATED: Final = "not authorised: the certificate of the talosconfig has expired"
_UNWANTED: Final = "not authorised: it does not accept the certificate of the talosconfig"

# The first text that occurs decides.
_RUST: Final = (
    ("connection refused", _REFUSED),
    ("unknownissuer", _FOREIGN),
    ("badsignature", _FOREIGN),
    ("certificate expired", "its certificate has expired"),
    ("expired", "its certificate has expired"),
    ("not valid yet", "its certificate is not valid yet: check the clocks"),
    ("notvalidyet", "its certificate is not valid yet: check the clocks"),
    ("not valid for name", "its certificate is for another name than the address that was dialled"),
    ("notvalidforname", "its certificate is for another name than the address that was dialled"),
    ("invalid peer certificate", "its certificate is not one of a Talos API"),
    ("invalidcontenttype", "not a Talos API: it does not speak TLS"),
    ("corrupt message", "not a Talos API: it does not speak TLS"),
    ("dns error", "no such host"),
    ("network is unreachable", "no route to it: the network is unreachable"),
    ("no route to host", "no route to it"),
    ("timed out", "timed out"),
)

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def explain(error: Exception, address: str, credentials: Credentials | None) -> tuple[str, bool]:
    """The reason, and whether the request certainly was not acted upon.

    Args:
        error: what pyqwest raised.
        address: `HOST:PORT`.
        credentials: those that were used.
    """
    text = str(error)
    lower = text.lower()
    for part, reason in _RUST:
        if part in lower:
            return reason, "(connect)" in lower or part != "timed out"
    try:
        found = _probe(address, credentials)
    except OSError:
        found = None
    if found is not None:
        return found, True
    return f"the connection broke before it answered ({text.rpartition(': ')[2]})", "(connect)" in lower


def _probe(address: str, credentials: Credentials | None) -> str | None:
    """What the other side does when it is dialled again; None if nothing is wrong with it now."""
    host, _, port = address.rpartition(":")
    where = host.strip("[]"), int(port)
    try:
        with socket.create_connection(where, timeout=PROBE_TIMEOUT_S) as connection:
            if credentials is not None:
                return _probe_tls(connection, where[0], credentials)
            words = _first_words(connection)
    except ConnectionRefusedError:
        return _REFUSED
    if words[:1] in (b"\x15", b"\x16") or (not words and _speaks_tls(where)):
        return "not a Talos API without TLS: it speaks TLS"
    return _judgement(words)


def _first_words(connection: socket.socket) -> bytes:
    """What it answers to the opening of HTTP/2; nothing if it hangs up.

    Raises:
        TimeoutError: it says nothing.
    """
    try:
        connection.sendall(_PREFACE)
        return connection.recv(9)
    except ConnectionError:
        return b""


def _judgement(words: bytes) -> str | None:
    if words.startswith(b"HTTP/1"):
        return "not a Talos API: it speaks HTTP/1"
    is_settings = len(words) == 9 and words[3] == 4  # with which HTTP/2 opens
    return None if is_settings else "not a Talos API: it does not speak HTTP/2"


def _speaks_tls(where: tuple[str, int]) -> bool:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is said to it, only heard
    try:
        with socket.create_connection(where, timeout=PROBE_TIMEOUT_S) as connection, context.wrap_socket(connection):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _probe_tls(connection: socket.socket, host: str, credentials: Credentials) -> str | None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if credentials.ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=credentials.ca.decode("ascii", "replace"))
    context.set_alpn_protocols(["h2"])
    try:
        if credentials.crt is not None and credentials.key is not None:
            load_pem(context, credentials.crt, credentials.key)
        with context.wrap_socket(connection, server_hostname=host) as stream:
            words = _first_words(stream)
            # A server that hangs up after the handshake, some without an alert, did not like what we showed.
            return _unwanted(credentials) if not words else _judgement(words)
    except ssl.SSLCertVerificationError:
        return "its certificate is not one of a Talos API"
    except ssl.SSLError as error:
        if "NO_APPLICATION_PROTOCOL" in (error.reason or ""):
            return "not a Talos API: it does not speak HTTP/2"
        return _unwanted(credentials) if "ALERT" in (error.reason or "") else None
    except ConnectionError:
        return _unwanted(credentials)


def _unwanted(credentials: Credentials) -> str:
    """Why the other side may not accept our certificate."""
    if credentials.crt is None:
        return "not authorised: it wants a client certificate, and the talosconfig has none"
    from datetime import UTC, datetime

    from talos_resources.rpc.pki import certificate_from_pem

    if certificate_from_pem(credentials.crt).not_valid_after_utc < datetime.now(UTC):
        return _OUTDATED
    return _UNWANTED


def load_pem(context: ssl.SSLContext, crt: bytes, key: bytes) -> None:
    """`load_cert_chain` of bytes: it only takes paths, and a key must not touch a disk."""
    with _in_memory(crt) as crt_path, _in_memory(key) as key_path:
        context.load_cert_chain(crt_path, key_path)


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
