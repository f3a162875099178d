"""A small cluster with Cilium as the guide wants it, to be broken by the tests."""

from __future__ import annotations

import base64
import textwrap
from typing import Final

from talos_resources.machineconfig.cilium.check import check
from talos_resources.machineconfig.cilium.inline import make_inline
from talos_resources.machineconfig.cilium.patch import cilium_patch
from talos_resources.machineconfig.cilium.subject import read_subject
from talos_resources.model.finding import Finding
from talos_resources.releases import Contract

_KEY: Final = base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----\nnot a real one\n-----END RSA PRIVATE KEY-----\n").decode()

CILIUM: Final = f"""\
---
# Source: cilium/templates/cilium-agent/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: "cilium"
  namespace: kube-system
---
# Source: cilium/templates/hubble/tls-helm/server-secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: hubble-server-certs
  namespace: kube-system
type: kubernetes.io/tls
data:
  tls.key: {_KEY}
---
# Source: cilium/templates/cilium-configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cilium-config
  namespace: kube-system
data:
  ipam: "kubernetes"
  kube-proxy-replacement: "strict"
---
# Source: cilium/templates/cilium-agent/daemonset.yaml
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: cilium
  namespace: kube-system
spec:
  template:
    spec:
      containers:
        - name: cilium-agent
          env:
            - name: KUBERNETES_SERVICE_HOST
              value: "10.0.0.1"
"""


def control_plane(manifest: str = CILIUM, *, kubespan: str = "enabled: true", network: str = "") -> str:
    """A control plane's configuration with the manifest inline and kube-proxy off."""
    patch = cilium_patch("inline", strict=True, manifest=make_inline([("cilium.yaml", manifest)]), contract=Contract(1, 12))
    machine = f"machine:\n    type: controlplane\n    network:\n        kubespan:\n            {kubespan}\n"
    return machine + textwrap.indent(network, " " * 8) + patch


WORKER: Final = """\
machine:
    type: worker
    network:
        kubespan:
            enabled: true
cluster:
    discovery:
        enabled: true
"""


def findings(*texts: str, strict: bool | None = None, assume_cilium: bool = True) -> tuple[Finding, ...]:
    """What the check says of these files, called f0, f1, …; without the note that any inline manifest gets."""
    subject = read_subject([(f"f{index}", text) for index, text in enumerate(texts)], strict=strict, assume_cilium=assume_cilium)
    return tuple(finding for finding in check(subject) if finding.rule != "only-created")


def rules(*texts: str, strict: bool | None = None, assume_cilium: bool = True) -> list[str]:
    """The rules that found something."""
    return [finding.rule for finding in findings(*texts, strict=strict, assume_cilium=assume_cilium)]
