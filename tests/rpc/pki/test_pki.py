"""Certificates: their properties as a Talos cluster has them, and the proof that they belong together."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from talos_resources.model.errors import ConfigError
from talos_resources.rpc import pki

NOW = datetime(2026, 11, 23, 19, 2, 15, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> pki.CertificateAndKey:
    return pki.new_authority("talos", now=NOW)


def organizations(certificate: x509.Certificate) -> list[str | bytes]:
    return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]


def test_an_authority_has_the_properties_of_talos(authority: pki.CertificateAndKey) -> None:
    certificate = pki.certificate_from_pem(authority.crt)
    assert organizations(certificate) == ["talos"]
    assert certificate.not_valid_before_utc == NOW.replace(microsecond=0)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=87600)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.crl_sign
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value.ca
    assert b"\x13\x05talos" in certificate.subject.public_bytes(), "Go writes PrintableString"
    certificate.verify_directly_issued_by(certificate)


def test_an_authority_without_a_name_is_possible() -> None:
    certificate = pki.certificate_from_pem(pki.new_authority(None, now=NOW, algorithm=pki.KeyAlgorithm.ECDSA_P256).crt)
    assert certificate.subject == certificate.issuer == x509.Name([])
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)


def test_a_client_certificate_is_signed_and_names_its_roles(authority: pki.CertificateAndKey) -> None:
    client = pki.issue_client(authority, roles=["os:reader", "os:operator"], now=NOW)
    certificate = pki.certificate_from_pem(client.crt)
    issuer = pki.certificate_from_pem(authority.crt)
    certificate.verify_directly_issued_by(issuer)
    assert organizations(certificate) == ["os:reader", "os:operator"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    own = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert own == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert pki.key_from_pem(client.key).public_key() == certificate.public_key()


def test_a_server_certificate_names_addresses_and_hosts(authority: pki.CertificateAndKey) -> None:
    server = pki.issue_server(authority, hosts=["127.0.0.1", "::1", "localhost"], now=NOW)
    names = pki.certificate_from_pem(server.crt).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.critical, "there is no subject"
    assert names.value.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]


@pytest.mark.parametrize("hosts", [[], ["müller.example"]])
def test_a_server_certificate_needs_usable_hosts(authority: pki.CertificateAndKey, hosts: list[str]) -> None:
    with pytest.raises(ConfigError, match="cannot issue a server certificate"):
        pki.issue_server(authority, hosts=hosts, now=NOW)


def test_ed25519_keys_carry_the_label_of_talos_and_load_again(authority: pki.CertificateAndKey) -> None:
    assert authority.key.startswith(b"-----BEGIN ED25519 PRIVATE KEY-----\n")
    assert authority.key.endswith(b"-----END ED25519 PRIVATE KEY-----\n")
    standard = pki.standard_key_pem(authority.key)
    assert isinstance(serialization.load_pem_private_key(standard, None), ed25519.Ed25519PrivateKey)
    assert pki.talos_key_pem(standard) == authority.key


@pytest.mark.parametrize("algorithm", [pki.KeyAlgorithm.ECDSA_P256, pki.KeyAlgorithm.ED25519])
def test_keys_survive_pem(algorithm: pki.KeyAlgorithm) -> None:
    key = pki.new_key(algorithm)
    pem = pki.key_to_pem(key)
    assert pki.key_from_pem(pem).public_key() == key.public_key()
    assert pki.standard_key_pem(pem).startswith(
        b"-----BEGIN EC PRIVATE" if algorithm is pki.KeyAlgorithm.ECDSA_P256 else b"-----BEGIN PRIVATE"
    )


def test_a_key_never_shows(authority: pki.CertificateAndKey) -> None:
    middle = authority.key.splitlines()[1].decode()
    assert middle not in repr(authority)
    with pytest.raises(ConfigError) as caught:
        pki.key_from_pem(authority.key.replace(b"-----BEGIN", b"-----BEGUN"))
    assert middle not in str(caught.value)


def test_key_and_certificate_must_belong_together(authority: pki.CertificateAndKey) -> None:
    other = pki.new_authority("talos", now=NOW)
    mixed = pki.CertificateAndKey(crt=authority.crt, key=other.key)
    with pytest.raises(ConfigError, match="do not belong together"):
        pki.issue_client(mixed, roles=["os:admin"], now=NOW)


@pytest.mark.parametrize(
    ("pem", "words"), [(b"foo", "error decoding PEM"), (b"-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n", "malformed")]
)
def test_what_is_no_certificate_is_refused(pem: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        pki.certificate_from_pem(pem, what="certificate of the context a")


@pytest.mark.parametrize("wrong", ["", "d", "dmp1", "dmq1", "iqmp"])
def test_an_rsa_key_whose_parts_do_not_belong_together_is_refused(wrong: str) -> None:
    made = rsa.generate_private_key(65537, 1024).private_numbers()
    parts = {name: getattr(made, name) + 2 * (name == wrong) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    key = serialization.PrivateFormat.TraditionalOpenSSL
    numbers = rsa.RSAPrivateNumbers(**parts, public_numbers=made.public_numbers)
    pem = numbers.private_key(unsafe_skip_rsa_key_validation=True).private_bytes(
        serialization.Encoding.PEM, key, serialization.NoEncryption()
    )
    if not wrong:
        assert isinstance(pki.key_from_pem(pem), rsa.RSAPrivateKey)
        return
    with pytest.raises(ConfigError, match="generate it again or copy it whole"):
        pki.key_from_pem(pem)
