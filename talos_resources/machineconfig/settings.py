"""What the guide sets in a machine configuration, typed, whichever form the file has; everything else is `MachineConfig.get`.

Up to v1.13 nearly all of it stands in sections of the v1alpha1 document, in v1.14 in documents of their own. Where
a file has both, which Talos refuses, the one counts that Talos would follow: the document for KubeSpan, the section
for discovery and for the identity of the cluster.

Source: reference of the machine-config workflow, Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.form import is_in_documents
from talos_resources.model.net import AddrPort


@attrs.frozen(kw_only=True)
class KubeSpanSettings:
    """`machine.network.kubespan` or KubeSpanConfig, with Talos's defaults where nothing is set.

    Attributes:
        mtu: of the WireGuard link; that of the underlying network minus 80.
        endpoint_filters: networks whose endpoints are advertised, or hidden if they begin with `!`;
            None if there is no list.
        exclude_networks: networks that are never advertised (v1.13 and later); None if there is no list.
        extra_endpoints: announced beside those that Talos finds (document KubeSpanEndpointsConfig).
    """

    enabled: bool = False
    advertise_kubernetes_networks: bool = False
    allow_down_peer_bypass: bool = False
    harvest_extra_endpoints: bool = False
    mtu: int = 1420
    endpoint_filters: tuple[str, ...] | None = None
    exclude_networks: tuple[str, ...] | None = None
    extra_endpoints: tuple[AddrPort, ...] = ()


@attrs.frozen(kw_only=True)
class DiscoveryService:
    """A discovery service that the node registers with; that of the section is called `legacy`, as in Talos."""

    name: str
    endpoint: str


@attrs.frozen(kw_only=True)
class DiscoverySettings:
    """`cluster.discovery` or DiscoveryServiceConfig.

    Attributes:
        kubernetes_registry: affiliates are found through Kubernetes nodes, too (only the section can say so).
        services: those that are in use, in the order of the file.
    """

    kubernetes_registry: bool = False
    services: tuple[DiscoveryService, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether members find each other in any way."""
        return self.kubernetes_registry or bool(self.services)


@attrs.frozen(kw_only=True)
class CniSettings:
    """`cluster.network.cni` or KubeFlannelCNIConfig.

    Attributes:
        name: `flannel`, `none` or `custom`; None where the file does not say: a worker's in the form of v1.14.
        urls: the manifests of a custom one.
    """

    name: str | None = None
    urls: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class NetworkSettings:
    """`cluster.network` or KubeNetworkConfig; empty where nothing is set."""

    dns_domain: str = ""
    pod_subnets: tuple[str, ...] = ()
    service_subnets: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class HostDnsSettings:
    """`machine.features.hostDNS` or ResolverConfig.hostDNS."""

    enabled: bool = False
    forward_kube_dns_to_host: bool = False


@attrs.frozen(kw_only=True)
class InlineManifest:
    """An entry of `cluster.inlineManifests`, or a KubeInlineManifestConfig."""

    name: str
    contents: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")


@attrs.frozen(kw_only=True)
class Settings:
    """What the guide is about.

    Attributes:
        machine_type: controlplane or worker (init and join are read as these); empty if it is not set.
        cluster_name: empty if it is not set.
        endpoint: the URL of the Kubernetes API; empty if it is not set.
        cluster_id: 32 bytes in base64.
        cluster_secret: 32 bytes in base64; never shown.
        proxy_enabled: kube-proxy is deployed; None where the file does not say.
        kube_prism_port: where every node reaches the Kubernetes API by itself; None if that is off.
        extra_manifests: URLs.
    """

    machine_type: str = ""
    cluster_name: str = ""
    endpoint: str = ""
    kubespan: KubeSpanSettings = KubeSpanSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    cni: CniSettings = CniSettings()
    network: NetworkSettings = NetworkSettings()
    host_dns: HostDnsSettings = HostDnsSettings()
    cluster_id: str = ""
    cluster_secret: str = attrs.field(default="", repr=False)
    proxy_enabled: bool | None = None
    kube_prism_port: int | None = None
    inline_manifests: tuple[InlineManifest, ...] = ()
    extra_manifests: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: MachineConfig) -> Settings:
        """The settings of a configuration."""
        reader = _Reader(config)
        cluster_id, cluster_secret = reader.identity()
        return cls(
            machine_type=reader.machine_type,
            cluster_name=reader.text("cluster.clusterName", "KubeClusterConfig", "clusterName"),
            endpoint=reader.text("cluster.controlPlane.endpoint", "KubeClusterConfig", "endpoint"),
            kubespan=reader.kubespan(),
            discovery=reader.discovery(),
            cni=reader.cni(),
            network=reader.network(),
            host_dns=reader.host_dns(),
            cluster_id=cluster_id,
            cluster_secret=cluster_secret,
            proxy_enabled=reader.proxy(),
            kube_prism_port=reader.kube_prism(),
            inline_manifests=reader.inline_manifests(),
            extra_manifests=(
                *config.get("cluster.extraManifests", ()),
                *(document.fields.get("url", "") for document in config.all("KubeExternalManifestConfig")),
            ),
        )


class _Reader:
    """Reads the settings, each from the place that counts."""

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        kind: str = config.get("machine.type", "")
        self.machine_type: str = {"init": "controlplane", "join": "worker"}.get(kind, kind)
        self._in_documents = is_in_documents(config)

    def _document(self, kind: str) -> dict[str, Any] | None:
        """The fields of the only document of a kind; None if there is none, or the release has no such kind."""
        document = self._config.find(kind)
        return dict(document.fields) if document is not None else None

    def text(self, path: str, kind: str, field: str) -> str:
        """A text from its section, else from its document."""
        return str(self._config.get(path) or (self._document(kind) or {}).get(field, ""))

    def kubespan(self) -> KubeSpanSettings:
        document = self._document("KubeSpanConfig")
        section: dict[str, Any] = document if document is not None else self._config.get("machine.network.kubespan", {})
        filters = section.get("filters") or {}
        endpoints, excluded = (filters.get(key) for key in ("endpoints", "excludeAdvertisedNetworks"))
        extra = (self._document("KubeSpanEndpointsConfig") or {}).get("extraAnnouncedEndpoints") or ()
        default = KubeSpanSettings().mtu
        # In the document 0 is a value of its own, in the section it stands for nothing.
        mtu = section.get("mtu", default) if document is not None else section.get("mtu") or default
        return KubeSpanSettings(
            enabled=section.get("enabled", False),
            advertise_kubernetes_networks=section.get("advertiseKubernetesNetworks", False),
            allow_down_peer_bypass=section.get("allowDownPeerBypass", False),
            harvest_extra_endpoints=section.get("harvestExtraEndpoints", False),
            mtu=mtu,
            endpoint_filters=None if endpoints is None else tuple(endpoints),
            exclude_networks=None if excluded is None else tuple(excluded),
            extra_endpoints=tuple(AddrPort.parse(text) for text in extra),
        )

    def discovery(self) -> DiscoverySettings:
        section = self._config.get("cluster.discovery", {})
        if section.get("enabled"):
            registries = section.get("registries") or {}
            service = registries.get("service") or {}
            endpoint = service.get("endpoint") or defaults.DISCOVERY_ENDPOINT
            return DiscoverySettings(
                kubernetes_registry=not (registries.get("kubernetes") or {}).get("disabled", False),
                services=() if service.get("disabled") else (DiscoveryService(name="legacy", endpoint=endpoint),),
            )
        found = self._config.all("DiscoveryServiceConfig")
        return DiscoverySettings(
            services=tuple(DiscoveryService(name=document.name, endpoint=document.fields.get("endpoint", "")) for document in found)
        )

    def identity(self) -> tuple[str, str]:
        legacy = self._config.get("cluster.id", ""), self._config.get("cluster.secret", "")
        document = self._document("DiscoveryIdentityConfig")
        if any(legacy) or document is None:
            return legacy
        return document.get("clusterID", ""), document.get("clusterSecret", "")

    def cni(self) -> CniSettings:
        section = self._config.get("cluster.network")
        if section is not None:
            cni = section.get("cni") or {}
            return CniSettings(name=cni.get("name", "flannel"), urls=tuple(cni.get("urls") or ()))
        if self._document("KubeFlannelCNIConfig") is not None:
            return CniSettings(name="flannel")
        if self._in_documents:
            return CniSettings(name="none" if self.machine_type == "controlplane" else None)
        return CniSettings(name=self._config.release.default_cni)

    def proxy(self) -> bool | None:
        section = self._config.get("cluster.proxy")
        if section is not None:
            return not section.get("disabled", False)
        document = self._document("KubeProxyConfig")
        if document is not None:
            return document.get("enabled", True) is not False
        if self._in_documents:
            return False if self.machine_type == "controlplane" else None
        return True

    def network(self) -> NetworkSettings:
        fields = self._config.get("cluster.network") or self._document("KubeNetworkConfig") or {}
        return NetworkSettings(
            dns_domain=fields.get("dnsDomain", ""),
            pod_subnets=tuple(fields.get("podSubnets") or ()),
            service_subnets=tuple(fields.get("serviceSubnets") or ()),
        )

    def host_dns(self) -> HostDnsSettings:
        fields = (self._document("ResolverConfig") or {}).get("hostDNS") or self._config.get("machine.features.hostDNS", {})
        return HostDnsSettings(enabled=fields.get("enabled", False), forward_kube_dns_to_host=fields.get("forwardKubeDNSToHost", False))

    def kube_prism(self) -> int | None:
        document = self._document("KubePrismConfig")
        if document is not None:
            return int(document.get("port", 0))
        section = self._config.get("machine.features.kubePrism", {})
        return int(section.get("port", defaults.KUBE_PRISM_PORT)) if section.get("enabled") else None

    def inline_manifests(self) -> tuple[InlineManifest, ...]:
        entries = self._config.get("cluster.inlineManifests", ())
        documents = self._config.all("KubeInlineManifestConfig")
        return (
            *(InlineManifest(name=entry.get("name", ""), contents=entry.get("contents", "")) for entry in entries),
            *(InlineManifest(name=document.name, contents=document.fields.get("manifest", "")) for document in documents),
        )
