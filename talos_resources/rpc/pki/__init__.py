"""Keys and certificates as Talos makes them."""

from talos_resources.rpc.pki.certificates import (
    AUTHORITY_LIFETIME,
    CLIENT_LIFETIME,
    CertificateAndKey,
    certificate_from_pem,
    issue_client,
    issue_server,
    new_authority,
)
from talos_resources.rpc.pki.keys import KeyAlgorithm, key_from_pem, key_to_pem, new_key, standard_key_pem, talos_key_pem

__all__ = [
    "AUTHORITY_LIFETIME",
    "CLIENT_LIFETIME",
    "CertificateAndKey",
    "KeyAlgorithm",
    "certificate_from_pem",
    "issue_client",
    "issue_server",
    "key_from_pem",
    "key_to_pem",
    "new_authority",
    "new_key",
    "standard_key_pem",
    "talos_key_pem",
]
