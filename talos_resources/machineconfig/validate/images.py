"""ImageVerificationConfig: which images need which signature.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

from talos_resources.machineconfig.validate.report import Section, Subject


def check_image_verification(subject: Subject) -> None:
    """Checks each rule."""
    for index, rule in enumerate(subject.fields.get("rules") or ()):
        for fault in _faults(rule or {}):
            subject.error(f"rule {index}: {fault}")
        for hint in _hints((rule or {}).get("image", "")):
            subject.warn(f"rule {index}: {hint}")


def _faults(rule: Section) -> list[str]:
    faults: list[str] = []
    skip, deny = bool(rule.get("skip")), bool(rule.get("deny"))
    keyless, public_key = rule.get("keyless"), rule.get("publicKey")
    if not rule.get("image"):
        faults.append("imagePattern must be specified")
    if skip and deny:
        faults.append("skip and deny cannot both be true")
    verifiers = sum(verifier is not None for verifier in (keyless, public_key))
    if (skip or deny) and verifiers:
        faults.append("skip and deny go without a verifier")
    elif not skip and not deny and not verifiers:
        faults.append("at least one verifier must be configured")
    if verifiers > 1:
        faults.append("only one verifier can be configured")
    if keyless is not None:
        if not keyless.get("issuer"):
            faults.append("verifier OIDC issuer must be specified")
        subjects = [key for key in ("subject", "subjectRegex") if keyless.get(key)]
        if not subjects:
            faults.append("verifier subject or subjectRegex must be specified")
        elif len(subjects) > 1:
            faults.append("verifier subject and subjectRegex cannot both be specified")
    if public_key is not None and not public_key.get("certificate"):
        faults.append("verifier certificates must be specified")
    return faults


def _hints(pattern: str) -> list[str]:
    hints = []
    if pattern and "/" not in pattern and pattern != "*":
        hints.append("imagePattern does not contain a '/', image references like 'nginx' are matched as 'docker.io/nginx' (normalized)")
    hints += [
        f"imagePattern contains '{sign}' but matching only applies to the image registry and repository, not the tag or digest"
        for sign in "@:"
        if sign in pattern
    ]
    return hints
