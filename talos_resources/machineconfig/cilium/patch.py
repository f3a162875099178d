"""The configuration patch that goes with each of the guide's ways to install Cilium.

Source: Talos guide, Deploying Cilium CNI, methods 1 to 4.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from talos_resources.machineconfig.cilium.inline import InlineManifest, inline_document, inline_yaml
from talos_resources.machineconfig.migrate.network_group import manifest_name
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, Contract, Feature

Method = Literal["install", "template", "hosted", "inline"]

_FOR_CONTROL_PLANES: Final = "# For control planes only: --config-patch-control-plane, or machineconfig patch of their files.\n"
_PRIVATE_SUFFIXES: Final = (".local", ".internal", ".lan", ".home", ".home.arpa", ".corp", ".intranet", ".svc", ".localhost", ".test")


def cilium_patch(
    method: Method,
    *,
    strict: bool = False,
    urls: tuple[str, ...] = (),
    manifest: InlineManifest | None = None,
    contract: Contract = CURRENT,
) -> str:
    """The patch as YAML, strategic, for `gen config --config-patch` and `machineconfig patch`.

    Args:
        method: `install` and `template` install Cilium while the nodes wait; `hosted` lets Talos fetch the
            manifest; `inline` puts it into the configuration of the control planes.
        strict: also switch kube-proxy off.
        urls: of the manifest, for `hosted`.
        manifest: for `inline`.
        contract: the Talos version whose form it has: documents since v1.14, sections before.

    Raises:
        ConfigError: a URL that is none, or the method lacks what it needs.
    """
    if method == "hosted":
        for url in urls:
            check_url(url)
        if not urls:
            raise ConfigError("the method hosted needs the URL of the manifest")
    if method == "inline" and manifest is None:
        raise ConfigError("the method inline needs the manifest; give a file, or - for stdin")
    write = _documents if contract.has(Feature.DOCUMENTS) else _sections
    text = write(strict, urls if method == "hosted" else (), manifest if method == "inline" else None)
    return (_FOR_CONTROL_PLANES if method == "inline" else "") + text


def _sections(strict: bool, urls: tuple[str, ...], manifest: InlineManifest | None) -> str:
    from talos_resources.codec.goyaml.emit import dump

    cni: dict[str, Any] = {"name": "custom", "urls": list(urls)} if urls else {"name": "none"}
    text = dump({"cluster": {"network": {"cni": cni}, **({"proxy": {"disabled": True}} if strict else {})}})
    return text if manifest is None else text + inline_yaml([manifest])


def _documents(strict: bool, urls: tuple[str, ...], manifest: InlineManifest | None) -> str:
    """What is deleted may be absent, so that the patch fits workers too."""
    from talos_resources.codec.goyaml.emit import dump

    kinds = ["KubeFlannelCNIConfig", *(["KubeProxyConfig"] if strict else [])]
    parts = [dump({"apiVersion": "v1alpha1", "kind": kind, "$patch": "delete"}) for kind in kinds]
    taken: set[str] = set()
    for url in urls:
        taken.add(name := manifest_name(url, taken))
        parts.append(dump({"apiVersion": "v1alpha1", "kind": "KubeExternalManifestConfig", "name": name, "url": url}))
    return "---\n".join([*parts, *([inline_document(manifest)] if manifest is not None else [])])


def check_url(url: str) -> None:
    """Refuse what Talos could not fetch.

    Raises:
        ConfigError: it is no http or https URL with a host.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(f'"{url}" is no URL of a manifest; write it as https://HOST/PATH')


def looks_public(url: str) -> bool:
    """Whether anybody on the internet could reach the host of a URL, as far as its name tells."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_PRIVATE_SUFFIXES)
