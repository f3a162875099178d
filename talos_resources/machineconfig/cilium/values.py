"""Helm values for Cilium on Talos, IPAM mode kubernetes.

Source: Talos guide, Deploying Cilium CNI (methods 1 and 2, other things to know).
"""

from __future__ import annotations

import re
from typing import Any, Final

from talos_resources.model.errors import ConfigError

GUIDE_CILIUM_VERSION: Final = "1.11.2"
_BOOLEAN_REPLACEMENT: Final = (1, 14)
"""From this version on `kubeProxyReplacement` is true or false; before, it was a word."""

_WHY: Final = {
    "ipam": "Talos hands out the pod networks of the nodes; Cilium takes them from Kubernetes.",
    "kubeProxyReplacement": "Without kube-proxy Cilium does its work; the configuration needs cluster.proxy.disabled: true.",
    "k8sServiceHost": "Without kube-proxy nobody forwards the service address of the API, so the agents dial it themselves.",
    "enableXTSocketFallback": "Talos has the xt_socket modules, so Cilium need not switch off ip_early_demux: that is faster.",
}


def helm_values(
    *,
    strict: bool = False,
    k8s_host: str | None = None,
    k8s_port: int = 6443,
    socket_fallback: bool | None = None,
    cilium_version: str = GUIDE_CILIUM_VERSION,
) -> dict[str, Any]:
    """The values, in the order of the guide.

    Args:
        strict: run without kube-proxy.
        k8s_host: the address of the Kubernetes API as nodes reach it; needed with `strict`.
        k8s_port: its port.
        socket_fallback: `enableXTSocketFallback`; None leaves it to Cilium.
        cilium_version: which chart they are for.

    Raises:
        ConfigError: `strict` without a host, or a version that is none.
    """
    values: dict[str, Any] = {"ipam": {"mode": "kubernetes"}}
    if strict:
        if not k8s_host:
            raise ConfigError(
                "strict mode needs --k8s-host: without kube-proxy Cilium has to know the Kubernetes API; "
                "with KubePrism (on by default since Talos v1.6) that is --k8s-host localhost --k8s-port 7445"
            )
        values["kubeProxyReplacement"] = True if _version(cilium_version) >= _BOOLEAN_REPLACEMENT else "strict"
        values["k8sServiceHost"] = k8s_host
        values["k8sServicePort"] = k8s_port
    if socket_fallback is not None:
        values["enableXTSocketFallback"] = socket_fallback
    return values


def values_yaml(values: dict[str, Any]) -> str:
    """Values as a file for `helm install --values`, each with the reason for it."""
    from talos_resources.codec.goyaml.emit import dump

    parts = []
    for key, value in values.items():
        why = _WHY.get(key, "") if key != "enableXTSocketFallback" or value is False else ""
        parts.append((f"# {why}\n" if why else "") + dump({key: value}))
    return "".join(parts)


def _version(text: str) -> tuple[int, int]:
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})(\.|$)", text)
    if match is None:
        raise ConfigError(f'invalid Cilium version "{text}"; write it as {GUIDE_CILIUM_VERSION}')
    return int(match[1]), int(match[2])
