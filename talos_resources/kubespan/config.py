"""What a machine configuration means for KubeSpan and discovery.

Documents come decoded: plain mappings with the keys of their YAML. Where two of them say the same, which
Talos refuses, these win: the KubeSpanConfig document; the discovery service and the identity of the v1alpha1
document. Source: Talos v1.12.3 and v1.14.0-rc.1; golden/kubespan and golden/kubespan-1.14, config.json.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import attrs

from talos_resources.kubespan.constants import DEFAULT_DISCOVERY_ENDPOINT, DEFAULT_MTU
from talos_resources.kubespan.service_url import ServiceUrl
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.releases import NEWEST, KubeSpanRules
from talos_resources.resources.cluster.config import LEGACY_SERVICE, DiscoveryConfig, ServiceEndpoint
from talos_resources.resources.cluster.info import ClusterInfo
from talos_resources.resources.kubespan.config import KubeSpanConfig

Fields = Mapping[str, Any]

MAIN: Final = "v1alpha1"
"""The kind of the document that has `machine` and `cluster`."""
_NONE: Final[Fields] = {}


class Document(Protocol):
    """A document of a machine configuration."""

    @property
    def kind(self) -> str:
        """Its kind; `v1alpha1` for the one with `machine` and `cluster`."""
        ...

    @property
    def fields(self) -> Fields:
        """What it says."""
        ...


@attrs.frozen
class Said:
    """What a configuration says, document by document.

    Attributes:
        documents: in their order.
    """

    documents: tuple[Document, ...]

    def all(self, kind: str) -> list[Fields]:
        """What the documents of a kind say."""
        return [document.fields for document in self.documents if document.kind == kind]

    def one(self, kind: str) -> Fields | None:
        """What the document of a kind says; None if there is none."""
        return next(iter(self.all(kind)), None)

    @property
    def main(self) -> Fields | None:
        """What the v1alpha1 document says."""
        return self.one(MAIN)

    def section(self, *keys: str) -> Fields:
        """A section of the v1alpha1 document; an empty one where there is none."""
        return section(self.main or _NONE, *keys)

    @property
    def kubespan(self) -> Fields | None:
        """The KubeSpan section of the v1alpha1 document; None if there is none."""
        found: Fields | None = self.section("machine", "network").get("kubespan")
        return found

    @property
    def identity(self) -> tuple[str, str]:
        """The id of the cluster and its secret."""
        cluster = self.section("cluster")
        legacy = cluster.get("id") or "", cluster.get("secret") or ""
        document = self.one("DiscoveryIdentityConfig")
        if any(legacy) or document is None:
            return legacy
        return document.get("clusterID") or "", document.get("clusterSecret") or ""

    @property
    def legacy_service(self) -> Fields | None:
        """The discovery service of the v1alpha1 document; None if it has none, or is off."""
        discovery = self.section("cluster", "discovery")
        service = section(discovery, "registries", "service")
        return service if discovery.get("enabled") and not service.get("disabled") else None


def section(fields: Fields, *keys: str) -> Fields:
    """A mapping within a mapping; an empty one where there is none."""
    for key in keys:
        fields = fields.get(key) or _NONE
    return fields


def kubespan_config(documents: Iterable[Document], rules: KubeSpanRules = NEWEST.kubespan) -> KubeSpanConfig | None:
    """The KubeSpan settings of a node; None if there are none.

    Args:
        documents: of its machine configuration.
        rules: of its release of Talos.

    Raises:
        ConfigError: an extra endpoint that is none.
    """
    said = Said(tuple(documents))
    cluster_id, secret = said.identity
    if said.main is None or (rules.needs_cluster_identity and not (cluster_id or secret)):
        return None
    document, legacy = said.one("KubeSpanConfig"), said.kubespan
    fields = document if document is not None else legacy or _NONE
    filters = section(fields, "filters")
    endpoints, excluded = filters.get("endpoints"), filters.get("excludeAdvertisedNetworks")
    extra = said.one("KubeSpanEndpointsConfig") or _NONE
    known = document is not None or legacy is not None or rules.unset_is_default
    mtu = fields.get("mtu")
    return KubeSpanConfig(
        enabled=bool(fields.get("enabled")),
        cluster_id=cluster_id,
        shared_secret=secret,
        force_routing=known and not fields.get("allowDownPeerBypass"),
        advertise_kubernetes_networks=bool(fields.get("advertiseKubernetesNetworks")),
        mtu=mtu if mtu or (mtu is not None and document is not None) else DEFAULT_MTU * known,
        endpoint_filters=None if endpoints is None else tuple(endpoints),
        harvest_extra_endpoints=bool(fields.get("harvestExtraEndpoints")),
        extra_endpoints=tuple(_endpoint(str(text)) for text in extra.get("extraAnnouncedEndpoints") or ()),
        exclude_advertised_networks=_networks(excluded) if excluded else None,
    )


def discovery_config(documents: Iterable[Document], rules: KubeSpanRules = NEWEST.kubespan) -> DiscoveryConfig | None:
    """The discovery settings of a node; None if there is no v1alpha1 document, or no identity for a service.

    Args:
        documents: of its machine configuration.
        rules: of its release of Talos.

    Raises:
        ConfigError: a service's endpoint is no URL of one, or the cluster secret no base64; the secret is never shown.
    """
    said = Said(tuple(documents))
    if said.main is None:
        return None
    discovery = said.section("cluster", "discovery")
    switch = bool(discovery.get("enabled"))
    kubernetes = switch and not section(discovery, "registries", "kubernetes").get("disabled")
    services = _services(said, rules)
    shown = DiscoveryConfig(discovery_enabled=switch and rules.discovery_switch, registry_kubernetes_enabled=kubernetes)
    if not services:
        return shown
    cluster_id, secret = said.identity
    if rules.needs_cluster_identity and not (cluster_id or secret):
        return None
    try:
        key = base64.b64decode(secret, validate=True)
    except ValueError:  # binascii.Error, or text that is not ASCII
        msg = "the cluster secret is no base64; `gen secrets` makes one"
        raise ConfigError(msg) from None
    return attrs.evolve(
        shown,
        registry_service_enabled=True,
        service_endpoint=services[0].endpoint,
        service_endpoint_insecure=services[0].insecure,
        service_encryption_key=key,
        service_cluster_id=cluster_id,
        service_endpoints=() if rules.discovery_switch else services,
    )


def cluster_info(documents: Iterable[Document]) -> ClusterInfo | None:
    """What a node says of its cluster; None where its configuration has no cluster or no identity of one."""
    said = Said(tuple(documents))
    document = said.one("KubeClusterConfig")
    if said.main is None or not any(said.identity) or (said.main.get("cluster") is None and document is None):
        return None
    name = (document or _NONE).get("clusterName") or said.section("cluster").get("clusterName")
    return ClusterInfo(cluster_id=said.identity[0], cluster_name=name or "")


def _services(said: Said, rules: KubeSpanRules) -> tuple[ServiceEndpoint, ...]:
    legacy = said.legacy_service
    if legacy is not None:
        url = ServiceUrl.parse(legacy.get("endpoint") or DEFAULT_DISCOVERY_ENDPOINT)
        if not rules.discovery_switch:
            url.check()
        return (ServiceEndpoint(name=LEGACY_SERVICE, endpoint=url.address, insecure=url.insecure),)
    if rules.discovery_switch:
        return ()
    return tuple(_service(fields) for fields in said.all("DiscoveryServiceConfig"))


def _service(fields: Fields) -> ServiceEndpoint:
    url = ServiceUrl.parse(fields.get("endpoint") or "")
    url.check()
    return ServiceEndpoint(name=fields.get("name") or "", endpoint=url.address, insecure=url.insecure)


def _networks(texts: Iterable[str]) -> tuple[IPPrefix, ...]:
    """The networks among the texts; Talos drops the others."""
    found = []
    for text in texts:
        try:
            found.append(IPPrefix.parse(str(text)))
        except ValueError:
            continue
    return tuple(found)


def _endpoint(text: str) -> AddrPort | None:
    try:
        return AddrPort.parse(text) if text else None
    except ValueError as error:
        msg = f"extraAnnouncedEndpoints: {error}"
        raise ConfigError(msg) from None
