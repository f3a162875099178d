"""Secrets are compared, and never kept: equal ones have equal hashes, in this process only."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode
from typing import Final

_SALT: Final = os.urandom(16)
_SECRET_BYTES: Final = 16


def fingerprint(secret: str) -> str:
    """A salted hash of a secret: equal for equal ones within this process, and of no use elsewhere.

    Returns:
        The hash; empty for what is no secret: nothing, or a word that stands in its place.
    """
    try:
        raw = b64decode(secret, validate=True)
    except ValueError:
        return ""
    return hmac.new(_SALT, raw, hashlib.sha256).hexdigest() if len(raw) >= _SECRET_BYTES else ""
