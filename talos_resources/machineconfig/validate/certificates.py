"""Documents that hold certificates and keys as PEM text; no message repeats any of it.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.machineconfig import pem
from talos_resources.machineconfig.validate.report import Subject

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
    elif fault := pem.key_fault(key):
        subject.error(f"service issuer private key is invalid: {fault}")
    if not issuer.get("issuerURL"):
        subject.error("service issuer URL is required")


def check_registry_tls(subject: Subject) -> None:
    """RegistryTLSConfig."""
    if not subject.text("name"):
        subject.error("name must be specified")
    authority = subject.text("ca")
    if authority and not pem.has_certificate(authority):
        subject.error("ca must be a valid PEM-encoded certificate")
    identity = subject.fields.get("clientIdentity")
    if identity is None:
        return
    for key, what, fault_of in (("cert", "certificate", pem.certificate_fault), ("key", "key", pem.key_fault)):
        if fault := fault_of(identity.get(key, "")):
            subject.error(f"client identity {what} is invalid: {fault}")


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
    elif fault := pem.certificate_fault(certificate):
        subject.error(f"issuing CA: certificate is invalid: {fault}")
    elif fault := _block_fault(key, ()):
        subject.error(f"issuing CA: key: {fault}")
    elif fault := pem.key_fault(key):
        subject.error(f"issuing CA: key is invalid: {fault}")


def _check_accepted(subject: Subject) -> None:
    for index, text in enumerate(subject.fields.get("acceptedCAs") or ()):
        if fault := _block_fault(text, (_CERTIFICATE,)) or pem.certificate_fault(text):
            subject.error(f"accepted CA #{index}: {fault}")


def _block_fault(text: str, kinds: tuple[str, ...]) -> str:
    """Why a text is no PEM of these kinds, or of any kind where there are none."""
    label, _ = pem.block(text)
    if not label:
        return "no PEM blocks found"
    if kinds and label not in kinds:
        return f'unexpected PEM block type "{label}", expected one of ["{", ".join(kinds)}"]'
    return ""
