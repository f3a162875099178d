"""The documents beside the main one.

Source: Talos v1.12.3, validation of network, registry and runtime documents; HostnameConfig, KubeSpan
endpoints and network rules observed on talosctl v1.12.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.report import Report, Section, section


def check_document(report: Report, document: Document, config: MachineConfig) -> None:
    """Checks a document by itself, and against the main one."""
    name = str(document)
    if "name" in document.type.fields and not document.name:
        report.error(name, "a name is required")
        return
    check = _CHECKS.get(document.kind)
    if check is not None:
        check(report, name, document.fields)
    main = config.main
    if document.kind == "HostnameConfig" and main is not None:
        machine = section(main.fields, "machine")
        if section(machine, "network").get("hostname"):
            report.error(name, "machine.network.hostname of the v1alpha1 document sets a hostname already")
        elif section(machine, "features").get("stableHostname"):
            report.error(name, "machine.features.stableHostname of the v1alpha1 document conflicts with it")


def _check_hostname(report: Report, name: str, fields: Section) -> None:
    auto, hostname = fields.get("auto"), fields.get("hostname", "")
    if auto is None and not hostname:
        report.error(name, "either auto or hostname must be set")
    if auto not in {None, "off"} and hostname:
        report.error(name, "auto and hostname cannot be set at the same time; auto: off goes with a hostname")
    if auto == "addr":
        report.error(f"{name}.auto", '"addr" is not supported, there are stable and off')
    label = hostname.partition(".")[0]
    if hostname and (len(hostname) > 253 or not 1 <= len(label) <= 63):
        report.error(f"{name}.hostname", f'"{hostname[:80]}" is no hostname')


def _check_rule(report: Report, name: str, fields: Section) -> None:
    ports = section(fields, "portSelector").get("ports") or []
    if not ports:
        report.error(f"{name}.portSelector.ports", "is required")
        return
    ranges = sorted(tuple(int(part) for part in str(port).split("-")) for port in ports)
    spans = [(span[0], span[-1]) for span in ranges]
    for low, high in spans:
        if low > high:
            report.error(f"{name}.portSelector.ports", f"{low}-{high} runs backwards")
            return
    for (_, end), (low, high) in pairwise(spans):
        if low <= end:
            report.error(f"{name}.portSelector.ports", f"{low}-{high} overlaps with another range")
            return
    for index, rule in enumerate(fields.get("ingress") or ()):
        if not (rule or {}).get("subnet"):
            report.error(f"{name}.ingress[{index}].subnet", "is required")
            return


def _check_mirror(report: Report, name: str, fields: Section) -> None:
    for index, endpoint in enumerate(fields.get("endpoints") or ()):
        url = (endpoint or {}).get("url", "")
        if not url:
            report.error(f"{name}.endpoints[{index}].url", "is required")
        elif (scheme := urls.parse(url).scheme) not in {"http", "https"}:
            report.error(f"{name}.endpoints[{index}].url", f'begins with http:// or https://, not with the scheme "{scheme}"')


def _needs(key: str) -> Callable[[Report, str, Section], None]:
    """A check that a field is set."""

    def check(report: Report, name: str, fields: Section) -> None:
        value: Any = fields
        for step in key.split("."):
            value = (value or {}).get(step)
        if not value:
            report.error(f"{name}.{key}", "is required")

    return check


_CHECKS: Final[Mapping[str, Callable[[Report, str, Section], None]]] = {
    "HostnameConfig": _check_hostname,
    "NetworkRuleConfig": _check_rule,
    "RegistryMirrorConfig": _check_mirror,
    "EventSinkConfig": _needs("endpoint"),
    "KmsgLogConfig": _needs("url"),
    "SideroLinkConfig": _needs("apiUrl"),
    "TrustedRootsConfig": _needs("certificates"),
    "StaticHostConfig": _needs("hostnames"),
    "WatchdogTimerConfig": _needs("device"),
    "PCIDriverRebindConfig": _needs("targetDriver"),
    "Layer2VIPConfig": _needs("link"),
    "HCloudVIPConfig": _needs("link"),
    "VLANConfig": _needs("parent"),
    "WireguardConfig": _needs("privateKey"),
    "LinkAliasConfig": _needs("selector.match"),
}
