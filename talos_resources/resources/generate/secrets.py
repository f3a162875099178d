"""Which fields hold secrets: they are kept out of reprs, logs, records and errors."""

from __future__ import annotations

import re
from typing import Final

from talos_resources.resources.generate.shapes import Shape
from talos_resources.resources.generate.table import Field, Table

_KEYS: Final = re.compile(
    r"(private|preshared|shared|encryption|secretbox)key|secret\Z|secrets\Z|token\Z|tokensecret|password|passphrase|psk"
    r"|encryptionsecret|hmac|\Aauth\Z|joinurl|\Aapiurl\Z",
    re.IGNORECASE,
)
# A key that is the half of a pair; and what machine configuration may hold, which is all of it.
_FIELDS: Final = frozenset(
    {
        ("x509.PEMEncodedCertificateAndKey", "key"),
        ("x509.PEMEncodedKey", "key"),
        ("config.machineConfigSpec", ""),
        ("files.EtcFileSpecSpec", "contents"),
    }
)
_PUBLIC: Final = frozenset({"acceptedkeys", "usingsecret"})


def is_secret(struct: str, field: Field, found: Shape, type: str | None, known: Table) -> bool:
    """Whether a field is a secret: by its name, or, in a type for administrators only, because it may hold anything."""
    if (struct, field.key) in _FIELDS:
        return True
    if found.holds in {"text", "bytes"} and _KEYS.search(field.key) and field.key.lower() not in _PUBLIC:
        return True
    sensitive = type is not None and known.types[type].sensitive
    return sensitive and found.holds in {"bytes", "free"} and "crt" not in field.key
