"""Private keys as Talos makes and writes them.

Talos writes an Ed25519 key with a PEM label of its own around the usual PKCS#8 bytes; `standard_key_pem`
and `talos_key_pem` translate.

Source: Talos v1.12.3, generated secrets and talosconfig files.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

_TALOS_LABEL: Final = b" ED25519 PRIVATE KEY-----"
_STANDARD_LABEL: Final = b" PRIVATE KEY-----"


class KeyAlgorithm(enum.Enum):
    """The kinds of keys that Talos makes."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256"
    RSA_4096 = "rsa-4096"


def standard_key_pem(pem: bytes) -> bytes:
    """The key with the label that OpenSSL, rustls and cryptography know; other keys as they are."""
    return pem.replace(_TALOS_LABEL, _STANDARD_LABEL)


def talos_key_pem(pem: bytes) -> bytes:
    """The inverse of `standard_key_pem` for a PKCS#8 Ed25519 key."""
    return pem.replace(_STANDARD_LABEL, _TALOS_LABEL)


def new_key(algorithm: KeyAlgorithm) -> CertificateIssuerPrivateKeyTypes:
    """A fresh private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match algorithm:
        case KeyAlgorithm.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case KeyAlgorithm.ECDSA_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyAlgorithm.RSA_4096:
            return rsa.generate_private_key(public_exponent=65537, key_size=4096)


def key_to_pem(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """PEM as Talos writes it: PKCS#8 under Talos' label for Ed25519, else the key type's own form (SEC1, PKCS#1)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    if isinstance(key, ed25519.Ed25519PrivateKey):
        form = serialization.PrivateFormat.PKCS8
    else:
        form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return talos_key_pem(pem) if isinstance(key, ed25519.Ed25519PrivateKey) else pem


def _fits(numbers: rsa.RSAPrivateNumbers) -> bool:
    """Whether the parts of an RSA key belong together."""
    p, q, public = numbers.p, numbers.q, numbers.public_numbers
    if min(p, q) < 2 or p * q != public.n or numbers.iqmp * q % p != 1:
        return False
    return all(
        public.e * numbers.d % (factor - 1) == 1 and numbers.d % (factor - 1) == part
        for factor, part in ((p, numbers.dmp1), (q, numbers.dmq1))
    )


def key_from_pem(pem: bytes, *, what: str = "private key") -> CertificateIssuerPrivateKeyTypes:
    """Read a private key of any label.

    Args:
        pem: the key, unencrypted.
        what: its name in the error.

    Raises:
        ConfigError: it is no key that can sign a certificate. The key's text is not in the message.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        # OpenSSL would try the factors of an RSA key for being prime: 0.3 s and more for 4096 bits, each time.
        # As Go does, only what the parts say of each other is looked at: 0.1 ms.
        key = serialization.load_pem_private_key(standard_key_pem(pem), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"{what} is not an unencrypted private key in PEM form; generate it again or copy it whole") from None
    if isinstance(key, rsa.RSAPrivateKey) and not _fits(key.private_numbers()):
        raise ConfigError(f"{what}: the parts of this RSA key do not belong together; generate it again or copy it whole")
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigError(f"{what} is a {type(key).__name__}; use an Ed25519, ECDSA or RSA key")
    return key
