"""Configurations of every form: what talosctl has recorded, and one in which nearly everything is said."""

from __future__ import annotations

import functools
import tarfile
from pathlib import Path
from typing import Final

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import TalosResourcesError

DATA: Final = Path(__file__).parents[2] / "data" / "config"


@functools.cache
def recorded() -> dict[str, str]:
    """Every configuration in the recorded cases that can be loaded, each text once, by the name of its file."""
    found: dict[str, str] = {}
    for file in sorted(DATA.glob("cases*.tar.xz")):
        with tarfile.open(file) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".yaml") else None
                text = content.read().decode("utf-8", "replace") if content is not None else ""
                if text and text not in found.values() and _loads(text):
                    found[member.name] = text
    return found


def _loads(text: str) -> bool:
    try:
        MachineConfig.load(text)
    except TalosResourcesError:
        return False
    return True


RICH: Final = """\
# the first of three
version: v1alpha1   # as always
machine:
    type: controlplane
    token: abcdef.0123456789abcdef
    ca: {crt: Zm9v, key: YmFy}
    # what the kubelet is told
    kubelet:
        image: ghcr.io/siderolabs/kubelet:v1.35.0   # pinned
        extraArgs:
            # for the metrics server
            rotate-server-certificates: true
        nodeIP:
            validSubnets: [10.0.0.0/8]   # the inner network
    network:
        hostname: cp-1   # by the door
        nameservers: [1.1.1.1, 9.9.9.9]
        kubespan:
            # since March
            enabled: true
            mtu: 1380   # the provider takes 40
    install:
        disk: /dev/sda   # the small one
        image: ghcr.io/siderolabs/installer:v1.12.3
        wipe: false
    sysctls:
        net.core.somaxconn: "65535"   # for the ingress
    registries:
        mirrors:
            docker.io:
                endpoints: [https://mirror.example.org]   # ours
    # nobody knows why
    features:
        kubePrism: {enabled: true, port: 7445}
        hostDNS: {enabled: true, forwardKubeDNSToHost: true}
    nodeLabels:
        rack: "12"
cluster:
    id: spq/HHoBOXbyuRNQJjXmznHYRsgoe+RY8qbU/JUGNjs=
    secret: spq/HHoBOXbyuRNQJjXmznHYRsgoe+RY8qbU/JUGNjs=
    controlPlane:
        endpoint: https://10.0.0.1:6443   # the virtual one
    clusterName: lab
    network:
        cni:
            name: none   # Cilium, see below
        podSubnets: [10.244.0.0/16]
        serviceSubnets: [10.96.0.0/12]
    apiServer:
        image: registry.k8s.io/kube-apiserver:v1.35.0
        # what the auditors want
        auditPolicy: {apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}
    controllerManager: {image: "registry.k8s.io/kube-controller-manager:v1.35.0"}
    scheduler: {image: "registry.k8s.io/kube-scheduler:v1.35.0"}
    proxy:
        disabled: true   # Cilium does its work
    discovery:
        enabled: true
        registries: {kubernetes: {disabled: true}, service: {}}
    inlineManifests:
        # from helm
        - name: cilium
          contents: |
            # not ours
            apiVersion: v1
            kind: Namespace
            metadata: {name: cilium}
    allowSchedulingOnControlPlanes: true   # it is a small cluster
# the end
"""
