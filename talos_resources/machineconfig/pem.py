"""Keys and certificates in the two forms of configurations: base64 on one line in v1alpha1, PEM text in documents.

What is wrong with one is said without a word of it.

Source: reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from talos_resources.model.errors import ConfigError, TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.rpc.pki import CertificateAndKey

_BEGIN: Final = re.compile(r"^-----BEGIN ([A-Z0-9 ]{1,64})-----", re.MULTILINE)
_BREAKS: Final = str.maketrans("", "", "\r\n")
_MOST_BLOCKS: Final = 16
"""How many beginnings are tried; a text of nothing else must not take long."""


def certificate_to_document(pair: CertificateAndKey | None) -> dict[str, str]:
    """A certificate and its key as documents hold them: PEM as it is."""
    return {"cert": "" if pair is None else pair.crt.decode(), "key": "" if pair is None else pair.key.decode()}


def decoded(text: str) -> bytes:
    """What a text in standard base64 stands for; line breaks may be in it, as for Go.

    Raises:
        ValueError: it is something else.
    """
    return base64.b64decode(text.translate(_BREAKS), validate=True)


def from_base64(text: str, *, path: str) -> str:
    """The PEM text behind a base64 field of the v1alpha1 document.

    Raises:
        ConfigError: it is no base64 of a text; names the path, never the value.
    """
    try:
        return decoded(text).decode()
    except ValueError:
        raise ConfigError(f"{path}: not the base64 of a PEM text; copy it whole", path=path) from None


def to_base64(text: str) -> str:
    """PEM text as the v1alpha1 document holds it."""
    return base64.b64encode(text.encode()).decode("ascii")


def encryption_config(*, secretbox: str = "", aescbc: str = "") -> dict[str, Any]:
    """How secrets in etcd are encrypted, as Kubernetes' own configuration; empty without a secret.

    The names of the keys are those that Talos has always used, so that what is in etcd stays readable.
    """
    providers = [
        {kind: {"keys": [{"name": name, "secret": secret}]}}
        for kind, name, secret in (("secretbox", "key2", secretbox), ("aescbc", "key1", aescbc))
        if secret
    ]
    return {"resources": [{"providers": providers, "resources": ["secrets"]}]} if providers else {}


def authority_to_new(path: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """From a base64 certificate and key to PEM texts."""

    def convert(value: dict[str, Any]) -> dict[str, Any]:
        pair = {"cert": from_base64(value.get("crt", ""), path=f"{path}.crt"), "key": from_base64(value.get("key", ""), path=f"{path}.key")}
        return {key: text for key, text in pair.items() if text}

    return convert


def authority_to_old(value: dict[str, Any]) -> dict[str, Any]:
    """The way back."""
    return {"crt": to_base64(value.get("cert", "")), "key": to_base64(value.get("key", ""))}


def block(text: str) -> tuple[str, str]:
    """The label of the first PEM block and the block; both empty if there is none."""
    for begin in islice(_BEGIN.finditer(text), _MOST_BLOCKS):
        end = f"\n-----END {begin[1]}-----"
        position = text.find(end, begin.end())
        if position >= 0:
            return begin[1], text[begin.start() : position + len(end)]
    return "", ""


def certificate_fault(text: str) -> str:
    """Why the first block of a text is no certificate; empty if it is one."""
    from cryptography import x509

    try:
        x509.load_pem_x509_certificate(block(text)[1].encode())
    except ValueError:
        return "failed to parse certificate"
    return ""


def has_certificate(text: str) -> bool:
    """Whether one of the blocks of a text is a certificate; the others do not matter."""
    begins = islice(_BEGIN.finditer(text), _MOST_BLOCKS)
    return any(begin[1] == "CERTIFICATE" and not certificate_fault(text[begin.start() :]) for begin in begins)


def key_fault(text: str) -> str:
    """Why the first block of a text is no private key; empty if it is one."""
    from talos_resources.rpc.pki import key_from_pem

    label, found = block(text)
    if not label:
        return "failed to parse PEM block"
    try:
        key_from_pem(found.encode())
    except (TalosResourcesError, ValueError, TypeError):
        return "failed to parse private key"
    return ""
