"""Random output against the properties that the golden data demands of it (`expected/shape.json`)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from talos_resources.rpc import pki

_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def faults(shape: Mapping[str, Any], value: Any, path: str = "") -> Iterator[str]:
    """What of a value is not as the shape says, each as `path: fault`; key order counts.

    Args:
        shape: of shape.json.
        value: the loaded document.
        path: where the value is.
    """
    if "pem_label" in shape:
        yield from (f"{path}: {fault}" for fault in _pem_faults(shape, value))
    elif "regex" in shape:
        if not re.fullmatch(shape["regex"], value):
            yield f"{path}: does not match {shape['regex']}"
    elif "base64_bytes" in shape or "base64url_padded_bytes" in shape:
        url = "base64url_padded_bytes" in shape
        data = base64.b64decode(value, altchars=b"-_" if url else None, validate=True)
        if len(data) != shape.get("base64_bytes", shape.get("base64url_padded_bytes")):
            yield f"{path}: {len(data)} bytes"
    elif not isinstance(value, dict) or list(value) != list(shape):
        yield f"{path}: keys {list(value)} instead of {list(shape)}"
    else:
        for key, part in shape.items():
            yield from faults(part, value[key], f"{path}.{key}" if path else key)


def _pem_faults(shape: Mapping[str, Any], text: str) -> Iterator[str]:
    pem = base64.b64decode(text, validate=True)
    if not pem.startswith(shape["pem_label"].encode() + b"\n"):
        yield f"label is not {shape['pem_label']}"
    if pem.endswith(b"-\n") is not shape["pem_ends_with_newline"]:
        yield "newline at the end"
    actual = _certificate(pem) if "version" in shape else _key(pem)
    for name, wanted in shape.items():
        if name in actual and actual[name] != wanted:
            yield f"{name} is {actual[name]!r} instead of {wanted!r}"
    if "serial_bits_max" in shape and x509.load_pem_x509_certificate(pem).serial_number.bit_length() > shape["serial_bits_max"]:
        yield "serial number is too long"


def _certificate(pem: bytes) -> dict[str, Any]:
    certificate = x509.load_pem_x509_certificate(pem)
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    digest = certificate.signature_hash_algorithm
    return {
        "version": certificate.version.name,
        "public_key": _algorithm(certificate.public_key()),
        "signature": "ed25519" if digest is None else f"ecdsa-with-{digest.name.upper()}",
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "validity_hours": lifetime.total_seconds() / 3600,
        "extensions": [
            {"name": extension.oid._name, "critical": extension.critical, "value": _extension(extension.value)}
            for extension in certificate.extensions
        ],
    }


def _extension(value: x509.ExtensionType) -> Any:
    match value:
        case x509.KeyUsage():
            return [usage for usage in _USAGES if getattr(value, usage)]
        case x509.ExtendedKeyUsage():
            return [usage._name for usage in value]
        case x509.BasicConstraints():
            return {"ca": value.ca, "path_length": value.path_length}
        case _:
            return "present"


def _key(pem: bytes) -> dict[str, Any]:
    key = pki.key_from_pem(pem)
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    return {"algorithm": _algorithm(key.public_key()), "der_bytes": len(der)}


def _algorithm(key: Any) -> str:
    match key:
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case ec.EllipticCurvePublicKey():
            return f"ecdsa-{key.curve.name}"
        case rsa.RSAPublicKey():
            return f"rsa-{key.key_size}"
        case _:
            return type(key).__name__
