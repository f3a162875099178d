"""Documents that hold certificates and keys as PEM text; no message repeats any of it.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

from talos_resources.machineconfig.validate.report import Subject
from talos_resources.model.errors import TalosResourcesError

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,64})-----")
_MOST_BLOCKS: Final = 16
"""How many beginnings are tried; a text of nothing else must not take long."""
_CERTIFICATE: Final = "CERTIFICATE"


def check_api_server_ca(subject: Subject) -> None:
    """KubeAPIServerCAConfig."""
    _check_issuing(subject)
    _check_accepted(subject)


def check_aggregator_ca(subject: Subject) -> None:
    """KubeAggregatorCAConfig: the issuing one has to be there."""
    if subject.fields.get("issuingCA") is None:
        subject.error("issuing CA is not set")
    _check_issuing(subject)
    _check_accepted(subject)


def check_service_account(subject: Subject) -> None:
    """KubeServiceAccountConfig: what is accepted beside the issuer is not looked at."""
    issuer = subject.section("issuer")
    key = issuer.get("privateKey", "")
    if not key:
        subject.error("service issuer private key is required")
    elif fault := _key_fault(key):
        subject.error(f"service issuer private key is invalid: {fault}")
    if not issuer.get("issuerURL"):
        subject.error("service issuer URL is required")


def check_trusted_roots(subject: Subject) -> None:
    """TrustedRootsConfig."""
    if not subject.text("name"):
        subject.error("name is required")
    if not subject.text("certificates"):
        subject.error("certificates are required")


def _check_issuing(subject: Subject) -> None:
    authority: dict[str, Any] | None = subject.fields.get("issuingCA")
    if authority is None:
        return
    certificate, key = authority.get("cert", ""), authority.get("key", "")
    missing = [name for name, text in (("certificate", certificate), ("key", key)) if not text]
    for name in missing:
        subject.error(f"issuing CA: {name} is required")
    if missing:
        return
    fault = _block_fault(certificate, (_CERTIFICATE,))
    if fault:
        subject.error(f"issuing CA: certificate: {fault}")
    elif fault := _certificate_fault(certificate):
        subject.error(f"issuing CA: certificate is invalid: {fault}")
    elif fault := _block_fault(key, ()):
        subject.error(f"issuing CA: key: {fault}")
    elif fault := _key_fault(key):
        subject.error(f"issuing CA: key is invalid: {fault}")


def _check_accepted(subject: Subject) -> None:
    for index, text in enumerate(subject.fields.get("acceptedCAs") or ()):
        if fault := _block_fault(text, (_CERTIFICATE,)) or _certificate_fault(text):
            subject.error(f"accepted CA #{index}: {fault}")


def _block_fault(text: str, kinds: tuple[str, ...]) -> str:
    """Why a text is no PEM of these kinds, or of any kind where there are none."""
    label, _ = _block(text)
    if not label:
        return "no PEM blocks found"
    if kinds and label not in kinds:
        return f'unexpected PEM block type "{label}", expected one of ["{", ".join(kinds)}"]'
    return ""


def _block(text: str) -> tuple[str, str]:
    """The label of the first PEM block and the block; both empty if there is none."""
    for begin in islice(_BEGIN.finditer(text), _MOST_BLOCKS):
        end = f"-----END {begin[1]}-----"
        position = text.find(end, begin.end())
        if position >= 0:
            return begin[1], text[begin.start() : position + len(end)]
    return "", ""


def _certificate_fault(text: str) -> str:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificate(_block(text)[1].encode())
    except ValueError:
        return "failed to parse certificate"
    return ""


def _key_fault(text: str) -> str:
    from talos_resources.rpc.pki import key_from_pem

    label, block = _block(text)
    if not label:
        return "failed to parse PEM block"
    try:
        key_from_pem(block.encode())
    except (TalosResourcesError, ValueError, TypeError):
        return "failed to parse private key"
    return ""
