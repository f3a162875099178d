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

from talos_resources.rpc.transport import Credentials

if TYPE_CHECKING:
    import ssl

PROBE_TIMEOUT_S: Final = 3.0

_REFUSED: Final = "connection refused: nothing listens there"
_FOREIGN: Final = "its certificate is unknown: signed by another authority than the talosconfig has"
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
    ("certificaterequired", "not authorised: it wants a client certificate, and the talosconfig has none"),
    ("certificateexpired", "not authorised: the certificate of the talosconfig has expired"),
    ("fatal alert", _UNWANTED),
    ("dns error", "no such host"),
    ("network is unreachable", "no route to it: the network is unreachable"),
    ("no route to host", "no route to it"),
    ("timed out", "timed out"),
)

_ALERTS: Final = (
    ("CERTIFICATE_REQUIRED", "not authorised: it wants a client certificate, and the talosconfig has none"),
    ("HANDSHAKE_FAILURE", "not authorised: it refused the TLS handshake"),
    ("CERTIFICATE_EXPIRED", "not authorised: the certificate of the talosconfig has expired"),
    ("NO_APPLICATION_PROTOCOL", "not a Talos API: it does not speak HTTP/2"),
    ("ALERT", _UNWANTED),
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
    host = host.strip("[]")
    try:
        connection = socket.create_connection((host, int(port)), timeout=PROBE_TIMEOUT_S)
    except ConnectionRefusedError:
        return _REFUSED
    with connection:
        return _first_words(connection) if credentials is None else _probe_tls(connection, host, credentials)


def _first_words(connection: socket.socket) -> str | None:
    connection.sendall(_PREFACE)
    try:
        words = connection.recv(9)
    except TimeoutError:
        return None
    if words.startswith(b"HTTP/1"):
        return "not a Talos API: it speaks HTTP/1"
    if words[:1] in (b"\x15", b"\x16"):
        return "not a Talos API without TLS: it speaks TLS"
    if len(words) == 9 and words[3] == 4:  # HTTP/2 opens with SETTINGS
        return None
    return "not a Talos API: it does not speak HTTP/2"


def _probe_tls(connection: socket.socket, host: str, credentials: Credentials) -> str | None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=credentials.ca.decode("ascii", "replace"))
    context.set_alpn_protocols(["h2"])
    try:
        if credentials.crt is not None and credentials.key is not None:
            load_pem(context, credentials.crt, credentials.key)
        with context.wrap_socket(connection, server_hostname=host) as stream:
            return _first_words(stream)
    except ssl.SSLCertVerificationError:
        return "its certificate is not one of a Talos API"
    except ssl.SSLError as error:
        return next((reason for part, reason in _ALERTS if part in (error.reason or "")), None)
    except ConnectionError:
        return None


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
