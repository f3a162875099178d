"""Namespace: a registered namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
from immutabledict import immutabledict

from talos_resources.model.kind import kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(type="Namespaces.meta.cosi.dev", namespace="meta", aliases=["ns"])
@attrs.frozen(kw_only=True, weakref_slot=False)
class Namespace:
    """A namespace of resources; the id is its name. Source: COSI runtime v1.16.2."""

    description: str = wire(1, default="", doc="What lives in the namespace.")
    unknown: Unknown | None = unknown_field()


NAMESPACES: Final[Mapping[str, str]] = immutabledict({
    "cluster": "Cluster configuration and discovery resources.",
    "cluster-raw": "Cluster unmerged raw resources.",
    "config": "Talos node configuration.",
    "containers": "Talos-managed container resources.",
    "controlplane": "Kubernetes control plane resources.",
    "cri": "CRI Seccomp resources.",
    "etcd": "etcd resources.",
    "files": "Files and file-like resources.",
    "hardware": "Hardware resources.",
    "k8s": "Kubernetes all node types resources.",
    "kubespan": "KubeSpan resources.",
    "meta": "Metadata namespace which contains resource and namespace definitions.",
    "network": "Networking resources.",
    "network-config": "Networking configuration resources.",
    "perf": "Stats resources.",
    "runtime": "Talos v1alpha1 subsystems glue resources.",
    "secrets": "Resources with secret material.",
    "security": "Security resources.",
    "storage": "Storage resources.",
})  # fmt: skip
"""The namespaces of a Talos node and how it describes them. Source: Talos v1.14.0-rc.1."""
