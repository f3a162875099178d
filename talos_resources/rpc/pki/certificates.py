"""Certificates as a Talos cluster has them: authorities, client and server certificates.

Used for the secrets of a cluster (`gen secrets`), for the talosconfig (`gen config`) and for the
material of `serve --pki`. The clock is always an argument.

Source: Talos v1.12.3, generated secrets and talosconfig files.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.pki.keys import KeyAlgorithm, key_from_pem, key_to_pem, new_key

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

AUTHORITY_LIFETIME: Final = timedelta(hours=87600)
CLIENT_LIFETIME: Final = timedelta(hours=8760)

_SUBJECT_KEY_ID_BYTES: Final = 20


def _redacted(value: bytes) -> str:
    return "***" if value else "b''"


@attrs.frozen(kw_only=True)
class CertificateAndKey:
    """A certificate and its private key, both PEM with a final newline; the key never shows in a repr.

    The key carries Talos' label (`ED25519 PRIVATE KEY`) where it is an Ed25519 key. `key` is empty for
    an authority whose key is kept elsewhere.
    """

    crt: bytes
    key: bytes = attrs.field(repr=_redacted)


def certificate_from_pem(pem: bytes, *, what: str = "certificate") -> x509.Certificate:
    """Read the first certificate of a PEM text.

    Raises:
        ConfigError: there is no certificate in it, or a broken one.
    """
    from cryptography import x509

    if b"-----BEGIN " not in pem:
        raise ConfigError(f"{what} is not PEM (error decoding PEM); it should start with -----BEGIN CERTIFICATE-----")
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ConfigError(f"{what} is a malformed certificate (x509); copy it whole or issue it again") from None


def new_authority(
    organization: str | None,
    *,
    now: datetime,
    algorithm: KeyAlgorithm = KeyAlgorithm.ED25519,
    lifetime: timedelta = AUTHORITY_LIFETIME,
) -> CertificateAndKey:
    """A self-signed certificate authority.

    Args:
        organization: the only attribute of its name; None gives the empty name, as Talos' aggregator CA has.
        now: aware time; the certificate is valid from this second on.
        algorithm: of its key.
        lifetime: how long it is valid.
    """
    import secrets

    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = new_key(algorithm)
    name = _name([organization] if organization is not None else [])
    builder = (
        _builder(now, lifetime)
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        # Random, not a hash of the key: so are the authorities of a real cluster.
        .add_extension(x509.SubjectKeyIdentifier(secrets.token_bytes(_SUBJECT_KEY_ID_BYTES)), critical=False)
    )
    return CertificateAndKey(crt=_sign(builder, key), key=key_to_pem(key))


def issue_client(
    authority: CertificateAndKey, *, roles: Iterable[str], now: datetime, lifetime: timedelta = CLIENT_LIFETIME
) -> CertificateAndKey:
    """An Ed25519 client certificate whose organisations are the roles (`os:admin`, …).

    Raises:
        ConfigError: the authority cannot be read, or its key is of another certificate.
    """
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return _issue(authority, _name(roles), ExtendedKeyUsageOID.CLIENT_AUTH, now=now, lifetime=lifetime)


def issue_server(
    authority: CertificateAndKey,
    *,
    hosts: Iterable[str],
    now: datetime,
    organization: str | None = None,
    lifetime: timedelta = CLIENT_LIFETIME,
) -> CertificateAndKey:
    """An Ed25519 server certificate for addresses and host names.

    Args:
        authority: who signs.
        hosts: IP addresses and DNS names that clients dial; at least one.
        now: aware time, start of the validity.
        organization: attribute of its name, if any.
        lifetime: how long it is valid.

    Raises:
        ConfigError: there is no host, a host is not ASCII, or the authority cannot be used.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        names = [_general_name(host) for host in hosts]
    except ValueError as error:
        raise ConfigError(f"cannot issue a server certificate: {error}") from None
    if not names:
        raise ConfigError("cannot issue a server certificate for no host; name an address or a DNS name")
    return _issue(
        authority,
        _name([organization] if organization is not None else []),
        ExtendedKeyUsageOID.SERVER_AUTH,
        now=now,
        lifetime=lifetime,
        # Without a subject the alternative names are all there is: RFC 5280 wants them critical then.
        extend=lambda builder: builder.add_extension(x509.SubjectAlternativeName(names), critical=organization is None),
    )


def _issue(
    authority: CertificateAndKey,
    subject: x509.Name,
    usage: x509.ObjectIdentifier,
    *,
    now: datetime,
    lifetime: timedelta,
    extend: Callable[[x509.CertificateBuilder], x509.CertificateBuilder] = lambda builder: builder,
) -> CertificateAndKey:
    from cryptography import x509

    signer = certificate_from_pem(authority.crt, what="certificate of the authority")
    signing_key = key_from_pem(authority.key, what="key of the authority")
    if signing_key.public_key() != signer.public_key():
        raise ConfigError("key and certificate of the authority do not belong together; take both from the same secrets")
    key = new_key(KeyAlgorithm.ED25519)
    builder = (
        _builder(now, lifetime)
        .subject_name(subject)
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    try:
        identifier = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        pass
    else:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    return CertificateAndKey(crt=_sign(extend(builder), signing_key), key=key_to_pem(key))


def _builder(now: datetime, lifetime: timedelta) -> x509.CertificateBuilder:
    import secrets  # here, for it brings all of OpenSSL, and most who come by only want a key's label

    from cryptography import x509

    start = now.replace(microsecond=0)
    # Zero is no serial number; everything else below 2**128 is fine.
    serial = secrets.randbits(128) or 1
    return x509.CertificateBuilder().serial_number(serial).not_valid_before(start).not_valid_after(start + lifetime)


def _name(organizations: Iterable[str]) -> x509.Name:
    """Organisations only, as PrintableString where the alphabet allows: Go writes them so and compares names byte by byte."""
    from cryptography import x509
    from cryptography.x509.name import _ASN1Type
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(
                NameOID.ORGANIZATION_NAME,
                organization,
                _ASN1Type.PrintableString if _is_printable_string(organization) else _ASN1Type.UTF8String,
            )
            for organization in organizations
        ]
    )


def _is_printable_string(text: str) -> bool:
    return all(char.isascii() and (char.isalnum() or char in " '()+,-./:=?") for char in text)


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sign(builder: x509.CertificateBuilder, key: CertificateIssuerPrivateKeyTypes) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    # Ed25519 signs the certificate itself, not a hash of it.
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.PEM)
