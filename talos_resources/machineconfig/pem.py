"""Keys and certificates in the two forms of configurations: base64 on one line in v1alpha1, PEM text in documents.

Source: reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.rpc.pki import CertificateAndKey


def certificate_to_document(pair: CertificateAndKey | None) -> dict[str, str]:
    """A certificate and its key as documents hold them: PEM as it is."""
    return {"cert": "" if pair is None else pair.crt.decode(), "key": "" if pair is None else pair.key.decode()}


def from_base64(text: str, *, path: str) -> str:
    """The PEM text behind a base64 field of the v1alpha1 document.

    Raises:
        ConfigError: it is no base64 of a text; names the path, never the value.
    """
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
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
