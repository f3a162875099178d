"""TLS contexts of PEM texts that are in memory."""

from __future__ import annotations

import contextlib
import os
import ssl
from typing import Final

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.transport.contract import Credentials, TransportError

# In memory where the system has such a folder; else where it keeps what is temporary.
_FOLDERS: Final = ("XDG_RUNTIME_DIR", "/dev/shm", "TMPDIR", "TEMP", "TMP", "/tmp", "/var/tmp")  # noqa: S108


def client_context(credentials: Credentials, *, address: str) -> ssl.SSLContext:
    """The context of a client.

    Raises:
        ConfigError: the certificates cannot be used; the message says nothing of the key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        if credentials.fingerprints is not None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif credentials.ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=credentials.ca.decode("ascii", "replace"))
            # Whatever is named is trusted, as Go has it, also when it is not the root of its chain.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if credentials.crt is not None and credentials.key is not None:
            load_pem(context, credentials.crt, credentials.key)
    except (ssl.SSLError, ValueError) as error:
        reason = (getattr(error, "reason", None) or "they are no PEM texts").replace("_", " ").lower()
        raise ConfigError(f"the certificates for {address} cannot be used: {reason}") from None
    return context


def proxy_context() -> ssl.SSLContext:
    """The context for a proxy: the system's authorities, and HTTP/1."""
    return ssl.create_default_context()


def check_fingerprint(certificate: bytes | None, accepted: tuple[str, ...]) -> None:
    """Looks at the key of a certificate that no authority has signed for us.

    Args:
        certificate: DER.
        accepted: fingerprints of `Credentials`.

    Raises:
        TransportError: it is another one.

    Source: siderolabs/crypto v0.6.5, SPKI fingerprints.
    """
    import base64
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    if certificate is None:
        raise TransportError("it shows no certificate", refused=True)
    key = load_der_x509_certificate(certificate).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = base64.b64encode(hashlib.sha256(key).digest()).decode()
    if found not in accepted:
        raise TransportError(f"its certificate has the fingerprint {found}, which is not one of those given", refused=True)


def load_pem(context: ssl.SSLContext, crt: bytes, key: bytes) -> None:
    """`load_cert_chain` of bytes: it only takes paths, so there is a file of mode 0600 for as long as that takes.

    Raises:
        ssl.SSLError: they cannot be used.
        ConfigError: there is no folder that can be written to.
    """
    handle, path = _private_file()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(crt.rstrip() + b"\n" + key)
        context.load_cert_chain(path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108  # pathlib is not needed for a table


def _private_file() -> tuple[int, str]:
    # Not `tempfile`, which loads more modules than the rest of a connection.
    name = f"talos-resources-{os.urandom(8).hex()}"
    for folder in _FOLDERS:
        path = folder if folder.startswith("/") else os.environ.get(folder, "")
        if path:
            place = os.path.join(path, name)  # noqa: PTH118
            with contextlib.suppress(OSError):
                return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), place
    raise ConfigError("a TLS key must pass through a file, and no folder for it can be written to; set TMPDIR to one")


def speaks_tls(connection: object) -> bool:
    """Whether the other side of a socket answers to TLS at all; nothing is said to it, only heard.

    Raises:
        OSError: the connection broke.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with context.wrap_socket(connection):  # type: ignore[arg-type]
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
