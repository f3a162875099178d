"""Helm values for Cilium on Talos, IPAM mode kubernetes.

Source: Talos documentation, Deploying Cilium CNI, as the guide has it (chart 1.11.2) and as it is today;
docs/cilium.md says which fact each value rests on.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from talos_resources.machineconfig.cilium.charts import NEWEST_CILIUM_VERSION, chart
from talos_resources.machineconfig.defaults import KUBE_PRISM_PORT
from talos_resources.model.errors import ConfigError

LOCAL: Final = "localhost"
"""The host at which KubePrism answers, on every node."""

CGROUP_ROOT: Final = "/sys/fs/cgroup"
"""Where Talos has mounted cgroup2."""

_API_PORT: Final = 6443
_LARGEST_PORT: Final = 65535
_LONGEST_HOST: Final = 253
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_AGENT: Final = (
    "CHOWN", "KILL", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_ADMIN", "SYS_RESOURCE", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID",
)  # fmt: skip
_CLEANING: Final = ("NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")

_WHY: Final = {
    "ipam": "Talos hands out the pod networks of the nodes; Cilium takes them from Kubernetes.",
    "kubeProxyReplacement": "Without kube-proxy Cilium does its work; the configuration has to leave it out: `cilium patch --strict`.",
    "securityContext": "The chart's own list without SYS_MODULE: Talos lets no pod load kernel modules, and refuses to start one that may.",
    "cgroup": "Talos has mounted cgroup2 already.",
    "k8sServiceHost": "Without kube-proxy nobody forwards the service address of the API, so the agents dial it themselves.",
    "enableXTSocketFallback": "Talos has the xt_socket modules, so Cilium need not switch off ip_early_demux: that is faster.",
}
_PRISM: Final = "This is KubePrism, which every node runs and which knows all control planes."
_PROXY: Final = "kube-proxy keeps doing its work."


def helm_values(
    *,
    strict: bool = False,
    k8s_host: str | None = None,
    k8s_port: int | None = None,
    kube_prism: int | None = KUBE_PRISM_PORT,
    socket_fallback: bool | None = None,
    cilium_version: str = NEWEST_CILIUM_VERSION,
) -> dict[str, Any]:
    """The values, in the order of the guide.

    Args:
        strict: run without kube-proxy.
        k8s_host: the address of the Kubernetes API as nodes reach it; with `strict`, KubePrism where none is given.
        k8s_port: its port; that of KubePrism or 6443 where none is given.
        kube_prism: the port of KubePrism on the nodes; None where it is off.
        socket_fallback: `enableXTSocketFallback`; None leaves it to Cilium.
        cilium_version: which chart they are for.

    Raises:
        ConfigError: `strict` without an address, an address without `strict`, or an address or a version that is none.
    """
    its = chart(cilium_version)
    check_api_address(k8s_host, k8s_port)
    if not strict and (k8s_host is not None or k8s_port is not None):
        raise ConfigError(
            "--k8s-host and --k8s-port go with --strict: as long as kube-proxy runs, Cilium finds the Kubernetes API by itself"
        )
    values: dict[str, Any] = {"ipam": {"mode": "kubernetes"}}
    if strict:
        values["kubeProxyReplacement"] = True if its.boolean_replacement else "strict"
    elif not its.is_the_guides:
        values["kubeProxyReplacement"] = False if its.boolean_replacement else "disabled"
    if its.capabilities:
        values["securityContext"] = {"capabilities": {"ciliumAgent": list(_AGENT), "cleanCiliumState": list(_CLEANING)}}
    if not its.is_the_guides:
        values["cgroup"] = {"autoMount": {"enabled": False}, "hostRoot": CGROUP_ROOT}
    if strict:
        values |= _api_address(k8s_host, k8s_port, kube_prism)
    if socket_fallback is not None:
        values["enableXTSocketFallback"] = socket_fallback
    return values


def check_api_address(host: str | None, port: int | None) -> None:
    """Refuse what the agents could not dial.

    Raises:
        ConfigError: a host that is neither a name nor an address, or a port that there is not.
    """
    if host is not None and not _is_host(host):
        raise ConfigError(f'--k8s-host "{host[:80]}" is no host; write a name or an address, without https:// and without a port')
    if port is not None and not 1 <= port <= _LARGEST_PORT:
        raise ConfigError(f"--k8s-port {port} is no port; there are 1 to {_LARGEST_PORT}")


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= _LONGEST_HOST and not labels[-1].isdecimal() and all(_LABEL.fullmatch(label) for label in labels)
    return "%" not in text


def _api_address(host: str | None, port: int | None, kube_prism: int | None) -> dict[str, Any]:
    if host:
        is_prism = host in {LOCAL, "127.0.0.1"} and kube_prism is not None
        return {"k8sServiceHost": host, "k8sServicePort": port or (kube_prism if is_prism else _API_PORT)}
    if kube_prism is None:
        raise ConfigError(
            "strict mode needs --k8s-host here: KubePrism is off, and without kube-proxy Cilium has to know the Kubernetes API; "
            "name an address that all nodes reach, or switch KubePrism on"
        )
    return {"k8sServiceHost": LOCAL, "k8sServicePort": port or kube_prism}


def values_yaml(values: dict[str, Any]) -> str:
    """Values as a file for `helm install --values`, each with the reason for it."""
    from talos_resources.codec.goyaml.emit import dump

    parts = []
    for key, value in values.items():
        parts.append("".join(f"# {why}\n" for why in _reasons(key, value)) + dump({key: value}))
    return "".join(parts)


def _reasons(key: str, value: Any) -> list[str]:
    if key == "enableXTSocketFallback" and value is not False:
        return []
    if key == "kubeProxyReplacement" and value in {False, "disabled"}:
        return [_PROXY]
    return [*([_WHY[key]] if key in _WHY else []), *([_PRISM] if key == "k8sServiceHost" and value == LOCAL else [])]
