"""Every topic and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from talos_resources.machineconfig.meaning import cluster, kubernetes, machine
from talos_resources.machineconfig.meaning.reader import Reader, one_field, same_keys

TOPICS: Final[Mapping[str, Callable[[Reader], Any]]] = {
    "API server": kubernetes.api_server,
    "controller manager": kubernetes.component(
        "cluster.controllerManager", "KubeControllerManagerConfig", disabled="machine.controlPlane.controllerManager.disabled"
    ),
    "scheduler": kubernetes.component("cluster.scheduler", "KubeSchedulerConfig", disabled="machine.controlPlane.scheduler.disabled"),
    "kube-proxy": kubernetes.off_is_off(kubernetes.component("cluster.proxy", "KubeProxyConfig", default_image=True)),
    "CoreDNS": kubernetes.off_is_off(kubernetes.component("cluster.coreDNS", "KubeCoreDNSConfig", default_image=True)),
    "aggregator": kubernetes.aggregator,
    "service accounts": kubernetes.service_account,
    "encryption in etcd": kubernetes.encryption,
    "access to the Talos API": kubernetes.access,
    "node": kubernetes.node,
    "kubelet": kubernetes.kubelet,
    "install": machine.install,
    "host name": machine.hostname,
    "resolvers": machine.resolver,
    "hosts": machine.hosts,
    "KubeSpan": same_keys("machine.network.kubespan", "KubeSpanConfig"),
    "discovery": cluster.discovery,
    "identity": cluster.identity,
    "networks": cluster.network,
    "CNI and fetched manifests": cluster.cni,
    "inline manifests": cluster.inline,
    "KubePrism": cluster.prism,
    "API authority": kubernetes.api_authority,
    "mirrors": machine.mirrors,
    "registries": machine.registries,
    "kernel modules": machine.modules,
    "static pods": kubernetes.pods,
    "time": machine.time,
    "sysctls": one_field("machine.sysctls", "SysctlConfig", "params"),
    "sysfs": one_field("machine.sysfs", "SysfsConfig", "params"),
    "environment": one_field("machine.env", "EnvironmentConfig", "variables"),
    "udev": one_field("machine.udev.rules", "UdevRulesConfig", "rules"),
    "runtime specification": one_field("machine.baseRuntimeSpecOverrides", "CRIBaseRuntimeSpecConfig", "overrides"),
    "runtime and files": machine.runtime_parts,
    "disk encryption": machine.disk_encryption,
    "image cache": machine.image_cache,
}
