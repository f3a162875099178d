"""Version contracts: for which Talos a configuration is made, and what it therefore holds.

Source: reference of the machine-config workflow (gen config), talosctl v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from talos_resources.model.errors import ConfigError

_TEXT: Final = r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\..*)?"


class Feature(enum.StrEnum):
    """What a generated configuration or bundle holds only from some contract on, or until one."""

    POD_SECURITY = "apiServer.admissionControl PodSecurity"
    STABLE_HOSTNAME = "machine.features.stableHostname"
    SECCOMP_DEFAULT = "kubelet.defaultRuntimeSeccompProfileEnabled"
    NO_KUBERNETES_REGISTRY = "discovery.registries.kubernetes.disabled"
    OLD_REGISTRY_MIRROR = "mirror of k8s.gcr.io"
    CHECK_EXT_KEY_USAGE = "machine.features.apidCheckExtKeyUsage"
    AUDIT_POLICY = "apiServer.auditPolicy"
    NO_MANIFESTS_DIRECTORY = "kubelet.disableManifestsDirectory"
    SECRETBOX = "secretbox secret instead of aescbc"
    DISK_QUOTA = "machine.features.diskQuotaSupport"
    KUBE_PRISM = "machine.features.kubePrism"
    HOST_DNS = "machine.features.hostDNS"
    HOST_DNS_FORWARD = "machine.features.hostDNS.forwardKubeDNSToHost"
    RSA_SERVICE_ACCOUNT = "service account key RSA instead of ECDSA"
    WORKER_CLUSTER_NAME = "clusterName of workers"
    NO_LOAD_BALANCER_LABEL = "label exclude-from-external-load-balancers"
    RBAC_FEATURE = "machine.features.rbac"
    NO_POD_SECURITY_POLICY = "apiServer.disablePodSecurityPolicy"
    ENDPOINT_SAN = "the endpoint's host in apiServer.certSANs"
    REGISTRY_SECTION = "mirrors in machine.registries instead of documents"
    UKI_COMMAND_LINE = "install.grubUseUKICmdline"
    HOSTNAME_DOCUMENT = "HostnameConfig"
    EMPTY_NETWORK_SECTION = "machine.network even when it is empty"
    KUBESPAN_DOCUMENT = "KubeSpanConfig instead of machine.network.kubespan"
    DOCUMENTS = "documents instead of nearly all of v1alpha1"


_SINCE: Final[Mapping[Feature, tuple[int, int]]] = MappingProxyType(
    {
        Feature.POD_SECURITY: (1, 1),
        Feature.STABLE_HOSTNAME: (1, 2),
        Feature.SECCOMP_DEFAULT: (1, 2),
        Feature.NO_KUBERNETES_REGISTRY: (1, 2),
        Feature.OLD_REGISTRY_MIRROR: (1, 2),
        Feature.CHECK_EXT_KEY_USAGE: (1, 3),
        Feature.AUDIT_POLICY: (1, 3),
        Feature.NO_MANIFESTS_DIRECTORY: (1, 3),
        Feature.SECRETBOX: (1, 3),
        Feature.DISK_QUOTA: (1, 5),
        Feature.KUBE_PRISM: (1, 6),
        Feature.HOST_DNS: (1, 7),
        Feature.RSA_SERVICE_ACCOUNT: (1, 7),
        Feature.HOST_DNS_FORWARD: (1, 8),
        Feature.WORKER_CLUSTER_NAME: (1, 8),
        Feature.NO_LOAD_BALANCER_LABEL: (1, 8),
        Feature.UKI_COMMAND_LINE: (1, 12),
        Feature.HOSTNAME_DOCUMENT: (1, 12),
        Feature.KUBESPAN_DOCUMENT: (1, 13),
        Feature.DOCUMENTS: (1, 14),
    }
)
"""The first contract that has it; what is not in here is as old as contracts are."""

_UNTIL: Final[Mapping[Feature, tuple[int, int]]] = MappingProxyType(
    {
        Feature.OLD_REGISTRY_MIRROR: (1, 2),
        Feature.STABLE_HOSTNAME: (1, 11),
        Feature.CHECK_EXT_KEY_USAGE: (1, 11),
        Feature.RBAC_FEATURE: (1, 11),
        Feature.NO_POD_SECURITY_POLICY: (1, 11),
        Feature.ENDPOINT_SAN: (1, 11),
        Feature.REGISTRY_SECTION: (1, 11),
        Feature.EMPTY_NETWORK_SECTION: (1, 12),
    }
)
"""The last contract that has it."""


class Contract(NamedTuple):
    """A Talos version without its patch number; what is newer than we know counts as the newest."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str | None) -> Contract:
        """Read `v1.11`, `1.11` or `v1.11.2`.

        Args:
            text: None or empty for the newest.

        Raises:
            ConfigError: it is no version.
        """
        if not text:
            return CURRENT
        match = re.fullmatch(_TEXT, text)
        if match is None:
            raise ConfigError(f'invalid talos-version "{text}": write it as v1.11')
        version = cls(int(match[1]), int(match[2]))
        # v0.0 is what talosctl's own builds without a version say.
        return CURRENT if version > CURRENT or version == cls(0, 0) else version

    def has(self, feature: Feature) -> bool:
        """Whether a configuration of this contract has it."""
        version = (self.major, self.minor)
        return _SINCE.get(feature, (0, 0)) <= version <= _UNTIL.get(feature, version)

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"


CONTRACTS: Final = tuple(Contract(1, minor) for minor in range(15))
"""v1.0 and everything after it."""

CURRENT: Final = CONTRACTS[-1]
