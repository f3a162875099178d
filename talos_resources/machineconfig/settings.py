"""What the guide sets in a machine configuration, typed; everything else is `MachineConfig.get`."""

from __future__ import annotations

import attrs

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.net import AddrPort

DEFAULT_DISCOVERY_ENDPOINT = "https://discovery.talos.dev/"
"""The discovery service that Talos uses when the configuration names none."""


@attrs.frozen(kw_only=True)
class KubeSpanSettings:
    """`machine.network.kubespan`, with Talos's defaults where nothing is set.

    Attributes:
        mtu: of the WireGuard link; that of the underlying network minus 80.
        endpoint_filters: networks whose endpoints are advertised, or hidden if they begin with `!`;
            None if there is no list.
        extra_endpoints: announced beside those that Talos finds (document KubeSpanEndpointsConfig).
    """

    enabled: bool = False
    advertise_kubernetes_networks: bool = False
    allow_down_peer_bypass: bool = False
    harvest_extra_endpoints: bool = False
    mtu: int = 1420
    endpoint_filters: tuple[str, ...] | None = None
    extra_endpoints: tuple[AddrPort, ...] = ()


@attrs.frozen(kw_only=True)
class DiscoverySettings:
    """`cluster.discovery`.

    Attributes:
        service_endpoint: URL of the discovery service.
    """

    enabled: bool = False
    kubernetes_registry: bool = True
    service_registry: bool = True
    service_endpoint: str = DEFAULT_DISCOVERY_ENDPOINT


@attrs.frozen(kw_only=True)
class CniSettings:
    """`cluster.network.cni`: flannel unless something else is set."""

    name: str = "flannel"
    urls: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class InlineManifest:
    """An entry of `cluster.inlineManifests`."""

    name: str
    contents: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")


@attrs.frozen(kw_only=True)
class Settings:
    """What the guide is about.

    Attributes:
        machine_type: controlplane or worker (init and join are read as these); empty if it is not set.
        cluster_id: 32 bytes in URL-safe base64.
        cluster_secret: 32 bytes in base64; never shown.
        proxy_disabled: kube-proxy is not deployed.
        extra_manifests: URLs.
    """

    machine_type: str = ""
    kubespan: KubeSpanSettings = KubeSpanSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    cni: CniSettings = CniSettings()
    cluster_id: str = ""
    cluster_secret: str = attrs.field(default="", repr=False)
    proxy_disabled: bool = False
    inline_manifests: tuple[InlineManifest, ...] = ()
    extra_manifests: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: MachineConfig) -> Settings:
        """The settings of a configuration."""
        kind = config.get("machine.type", "")
        return cls(
            machine_type={"init": "controlplane", "join": "worker"}.get(kind, kind),
            kubespan=_kubespan(config),
            discovery=_discovery(config),
            cni=CniSettings(
                name=config.get("cluster.network.cni.name", "flannel"),
                urls=tuple(config.get("cluster.network.cni.urls", ())),
            ),
            cluster_id=config.get("cluster.id", ""),
            cluster_secret=config.get("cluster.secret", ""),
            proxy_disabled=config.get("cluster.proxy.disabled", False),
            inline_manifests=tuple(
                InlineManifest(name=entry.get("name", ""), contents=entry.get("contents", ""))
                for entry in config.get("cluster.inlineManifests", ())
            ),
            extra_manifests=tuple(config.get("cluster.extraManifests", ())),
        )


def _kubespan(config: MachineConfig) -> KubeSpanSettings:
    section = config.get("machine.network.kubespan", {})
    filters = section.get("filters", {}).get("endpoints")
    extra = config.get("extraAnnouncedEndpoints", (), kind="KubeSpanEndpointsConfig")
    return KubeSpanSettings(
        enabled=section.get("enabled", False),
        advertise_kubernetes_networks=section.get("advertiseKubernetesNetworks", False),
        allow_down_peer_bypass=section.get("allowDownPeerBypass", False),
        harvest_extra_endpoints=section.get("harvestExtraEndpoints", False),
        mtu=section.get("mtu") or KubeSpanSettings().mtu,
        endpoint_filters=None if filters is None else tuple(filters),
        extra_endpoints=tuple(AddrPort.parse(text) for text in extra),
    )


def _discovery(config: MachineConfig) -> DiscoverySettings:
    section = config.get("cluster.discovery", {})
    registries = section.get("registries", {})
    service = registries.get("service", {})
    return DiscoverySettings(
        enabled=section.get("enabled", False),
        kubernetes_registry=not registries.get("kubernetes", {}).get("disabled", False),
        service_registry=not service.get("disabled", False),
        service_endpoint=service.get("endpoint") or DEFAULT_DISCOVERY_ENDPOINT,
    )
