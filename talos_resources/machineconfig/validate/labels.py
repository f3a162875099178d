"""Names and values of node labels, annotations and taints.

Source: Kubernetes, object names and labels; Talos v1.12.3, configuration validation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from talos_resources.machineconfig.validate.report import Report

_NAME: Final = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_MAX_NAME: Final = 63
_MAX_SUBDOMAIN: Final = 253
_MAX_ANNOTATIONS: Final = 256 * 1024
_RESERVED: Final = tuple(f"talos.dev/owned-{what}" for what in ("labels", "annotations", "taints"))
_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def is_subdomain(text: str) -> bool:
    """Whether it is a DNS name as Kubernetes takes it: labels of lower-case letters, digits and dashes."""
    return len(text) <= _MAX_SUBDOMAIN and _SUBDOMAIN.fullmatch(text) is not None


def check_labels(report: Report, path: str, labels: Mapping[str, str]) -> None:
    """Checks names and values of labels."""
    for name, value in sorted(labels.items()):
        _check_name(report, path, name)
        _check_value(report, path, name, value)


def check_annotations(report: Report, path: str, annotations: Mapping[str, str]) -> None:
    """Checks the names of annotations and their size altogether."""
    for name in sorted(annotations):
        _check_name(report, path, name)
        if name in _RESERVED:
            report.error(path, f'"{name}" is reserved for Talos')
    if sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items()) > _MAX_ANNOTATIONS:
        report.error(path, f"annotations are larger than {_MAX_ANNOTATIONS} bytes altogether")


def check_taints(report: Report, path: str, taints: Mapping[str, str]) -> None:
    """Checks taints, written `VALUE:EFFECT` or `EFFECT`."""
    for name, text in sorted(taints.items()):
        if not _check_name(report, path, name):
            continue
        value, colon, effect = text.rpartition(":") if text.count(":") <= 1 else text.partition(":")
        if effect not in _EFFECTS:
            report.error(path, f'{name}: "{effect}" is none of the effects {", ".join(_EFFECTS)}')
        elif colon:
            _check_value(report, path, name, value)


def _check_name(report: Report, path: str, text: str) -> bool:
    fault = _name_fault(text)
    if fault:
        report.error(path, f'"{text}" is no name: {fault}')
    return fault is None


def _name_fault(text: str) -> str | None:
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        return "it has too many slashes"
    if slash and not is_subdomain(prefix):
        return "what stands before the slash has to be a domain"
    if not name or len(name) > _MAX_NAME or _NAME.fullmatch(name) is None:
        return f"it takes 1 to {_MAX_NAME} letters, digits, -, _ and ., a letter or digit at both ends"
    return None


def _check_value(report: Report, path: str, name: str, value: str) -> None:
    if value and (len(value) > _MAX_NAME or _NAME.fullmatch(value) is None):
        report.error(path, f'{name}: "{value[:80]}" is no value: up to {_MAX_NAME} letters, digits, -, _ and .')
