"""What Talos takes, and writes into new configurations, where nothing else is said.

Source: reference of the machine-config workflow (gen config), Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

from typing import Any, Final

POD_SUBNET: Final = "10.244.0.0/16"
SERVICE_SUBNET: Final = "10.96.0.0/12"
DNS_DOMAIN: Final = "cluster.local"
KUBE_PRISM_PORT: Final = 7445
DISCOVERY_ENDPOINT: Final = "https://discovery.talos.dev/"
KUBESPAN_MTU: Final = 1420
FLANNEL_BACKEND: Final = {"backendType": "vxlan", "backendPort": 4789}
"""How flannel carries pod traffic from node to node."""

NO_LOAD_BALANCER_LABEL: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
CONTROL_PLANE_LABEL: Final = "node-role.kubernetes.io/control-plane"
"""The label of control planes, and the key of the taint that keeps other pods away."""


def pod_security() -> dict[str, Any]:
    """The configuration of the admission plugin PodSecurity; a free-form map, hence its keys are sorted."""
    return {
        "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
        "defaults": {
            "audit": "restricted",
            "audit-version": "latest",
            "enforce": "baseline",
            "enforce-version": "latest",
            "warn": "restricted",
            "warn-version": "latest",
        },
        "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
        "kind": "PodSecurityConfiguration",
    }


def audit_policy() -> dict[str, Any]:
    """What the API server logs of requests."""
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


def anonymous_probes() -> dict[str, Any]:
    """Who may ask the API server anonymously: the probes."""
    paths = [{"path": path} for path in ("/livez", "/readyz", "/healthz")]
    return {"anonymous": {"conditions": paths, "enabled": True}, "jwt": []}
