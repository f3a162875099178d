"""What TLS itself can be made to cost, and certificates that are odd."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.rpc.pki import CertificateAndKey, certificate_from_pem, key_from_pem
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.tls_records import Records

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PING = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + b"12345678"
Dial = Callable[[], Records]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAndKey:
    return authority_in(tmp_path)


@pytest.fixture
def address(authority: CertificateAndKey, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Of a discovery service, which asks nobody for a certificate, and which has nothing to tell of all this."""
    with DiscoveryServer(credentials=server_credentials(authority, "127.0.0.1")) as server:
        yield server.address
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


@pytest.fixture
def dial(address: str, tmp_path: Path) -> Iterator[Dial]:
    """Shakes hands, and says the first words of HTTP/2 byte by byte."""
    with ExitStack() as stack:

        def start() -> Records:
            records = Records(address, _client(), tmp_path)
            stack.callback(records.socket.close)
            records.socket.sendall(b"".join(records.data(bytes([byte])) for byte in PREFACE))
            return records

        yield start


def _client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    return context


def _is_answered(records: Records) -> bool:
    records.socket.sendall(records.data(PING))
    heard = b""
    while PING[9:] not in heard:
        more = records.receive()
        if not more:
            return False
        heard += more
    return True


def test_some_key_updates_are_let_through(dial: Dial) -> None:
    records = dial()
    for _ in range(3):
        records.socket.sendall(b"".join(records.key_update() for _ in range(20)))
        assert _is_answered(records)


def test_a_flood_of_key_updates_ends_the_connection(dial: Dial) -> None:
    honest, records = dial(), dial()
    with suppress(ConnectionError):
        records.socket.sendall(b"".join(records.key_update() for _ in range(2000)))
    while records.receive():
        pass
    assert _is_answered(honest)


def test_key_updates_between_bytes_of_a_frame_are_counted_too(dial: Dial) -> None:
    records = dial()
    unknown = bytes([0, 4, 0, 0x77, 0, 0, 0, 0, 0]) + bytes(1024)
    with suppress(ConnectionError):
        records.socket.sendall(b"".join(records.key_update() + records.data(bytes([byte])) for byte in unknown))
    while records.receive():
        pass


def test_no_record_is_waited_for_by_who_speaks_something_else(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionError):
            while plain.recv(65536):
                pass


def test_a_certificate_that_python_cannot_read_is_refused(
    authority: CertificateAndKey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # OpenSSL accepts it: the address in it, where to ask for the authority, is of no interest.
    signer = certificate_from_pem(authority.crt)
    place = bytes.fromhex("3010300e06082b060105050730028602ff00")
    key = Ed25519PrivateKey.generate()
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "os:admin")]))
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(signer.not_valid_before_utc)
        .not_valid_after(signer.not_valid_after_utc)
        .add_extension(x509.UnrecognizedExtension(ExtensionOID.AUTHORITY_INFORMATION_ACCESS, place), critical=False)
        .sign(key_from_pem(authority.key), None)
    )
    shown = tmp_path / "shown.pem"
    shown.write_bytes(made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = _client()
    context.load_cert_chain(shown)
    with BackgroundServer(MemoryState(), "127.0.0.1:0", credentials=server_credentials(authority, "127.0.0.1")) as server:
        records = Records(server.address, context, tmp_path)
        with suppress(ssl.SSLError):
            while records.receive():
                pass
        records.socket.close()
    gc.collect()  # tasks whose errors nobody asked for
    assert not caplog.records
