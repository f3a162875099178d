"""What Talos finds wrong with KubeSpan and discovery in a machine configuration, in its words and order.

Source: Talos v1.12.3 and v1.14.0-rc.1; golden/kubespan and golden/kubespan-1.14, config.json.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from talos_resources.kubespan.affiliate import parse_filter
from talos_resources.kubespan.config import Document, Fields, Said, section
from talos_resources.kubespan.constants import DEFAULT_DISCOVERY_ENDPOINT, DEFAULT_MTU, MINIMUM_MTU
from talos_resources.kubespan.service_url import ServiceUrl
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPPrefix
from talos_resources.releases import NEWEST, Release

_SECRET_BYTES: Final = 32
_NO_BASE64: Final = re.compile(r"[^A-Za-z0-9+/\r\n]")


@attrs.frozen
class Faults:
    """Messages.

    Attributes:
        main: about the v1alpha1 document.
        others: about other documents, and about all of them together.
    """

    main: tuple[str, ...]
    others: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.main, *self.others))

    def __bool__(self) -> bool:
        return bool(self.main or self.others)


def faults(documents: Iterable[Document], release: Release = NEWEST) -> Faults:
    """What is wrong; nothing if Talos takes it.

    Args:
        documents: of a machine configuration.
        release: of Talos.
    """
    said = Said(tuple(documents))
    main = () if said.main is None else (*_cluster_faults(said), *_legacy_faults(said, release))
    others = (*_document_faults(said), *_common_faults(said)) if release.validation.all_documents else ()
    return Faults(tuple(main), tuple(others))


def _cluster_faults(said: Said) -> Iterator[str]:
    main = said.main or {}
    yield from (f"{name} instructions are required" for name in ("machine", "cluster") if main.get(name) is None)
    service = said.legacy_service
    if service is None:
        return
    try:
        path = ServiceUrl.parse(service.get("endpoint") or DEFAULT_DISCOVERY_ENDPOINT).path
    except ConfigError as error:
        yield f"cluster discovery service registry endpoint is invalid: {error}"
    else:
        if path not in ("", "/"):
            yield "cluster discovery service path should be empty"
    cluster = said.section("cluster")
    yield from (f"cluster discovery service requires .cluster.{key}" for key in ("id", "secret") if not cluster.get(key))


def _legacy_faults(said: Said, release: Release) -> Iterator[str]:
    kubespan, cluster = said.kubespan or {}, said.section("cluster")
    if not kubespan.get("enabled"):
        return
    if (kubespan.get("mtu") or DEFAULT_MTU) < MINIMUM_MTU:
        yield f"kubespan link MTU must be at least {MINIMUM_MTU}"
    if release.validation.kubespan_needs_legacy_identity:
        if not section(cluster, "discovery").get("enabled"):
            yield ".cluster.discovery should be enabled when .machine.network.kubespan is enabled"
        missing = (key for key in ("id", "secret") if not cluster.get(key))
        yield from (f".cluster.{key} should be set when .machine.network.kubespan is enabled" for key in missing)
    filters = section(kubespan, "filters")
    yield from _endpoint_faults(filters, release.kubespan.endpoint_filter_word)
    for text in filters.get("excludeAdvertisedNetworks") or ():
        if not _is_network(text):
            yield f'KubeSpan exclude advertised networks filter is not valid: "{text}"'


def _endpoint_faults(filters: Fields, word: str = "filter") -> Iterator[str]:
    for text in filters.get("endpoints") or ():
        try:
            parse_filter(text)
        except ConfigError:
            yield f'KubeSpan endpoint {word} is not valid: "{text.removeprefix("!")}"'


def _is_network(text: Any) -> bool:
    try:
        IPPrefix.parse(str(text))
    except ValueError:
        return False
    return True


def _document_faults(said: Said) -> Iterator[str]:
    for document in said.documents:
        fields = document.fields
        match document.kind:
            case "KubeSpanConfig":
                yield from (f"KubeSpanConfig: {text}" for text in _kubespan_faults(fields))
                if said.kubespan is not None:
                    yield "kubespan is already configured in v1alpha1 machine.network.kubespan"
            case "DiscoveryServiceConfig":
                yield from (f"DiscoveryServiceConfig/{fields.get('name') or ''}: {text}" for text in _service_faults(fields))
                if said.section("cluster").get("discovery") is not None:
                    yield "discovery service is already configured in .cluster.discovery of the v1alpha1 config"
            case "DiscoveryIdentityConfig":
                yield from (f"DiscoveryIdentityConfig: {text}" for text in _identity_faults(fields))
                cluster = said.section("cluster")
                if cluster.get("id") or cluster.get("secret"):
                    yield "cluster identity is already configured in .cluster.id/.cluster.secret of the v1alpha1 config"
            case _:
                pass


def _kubespan_faults(fields: Fields) -> Iterator[str]:
    mtu = fields.get("mtu")
    if mtu is not None and mtu < MINIMUM_MTU:
        yield f"kubespan link MTU must be at least {MINIMUM_MTU}"
    yield from _endpoint_faults(section(fields, "filters"))


def _service_faults(fields: Fields) -> Iterator[str]:
    if not fields.get("name"):
        yield "name is required"
    endpoint = fields.get("endpoint") or ""
    if not endpoint:
        yield "endpoint is required"
        return
    try:
        ServiceUrl.parse(endpoint if ":" in endpoint or endpoint.startswith("/") else f"/{endpoint}").check()
    except ConfigError as error:
        yield error.message


def _identity_faults(fields: Fields) -> Iterator[str]:
    if not fields.get("clusterID"):
        yield "clusterID is required"
    secret = fields.get("clusterSecret") or ""
    if not secret:
        yield "clusterSecret is required"
        return
    try:
        size = len(base64.b64decode(secret, validate=True))
    except ValueError:  # Talos repeats the secret; we do not
        strange = _NO_BASE64.search(secret)
        at = strange.start() if strange is not None else len(secret)
        yield f"invalid clusterSecret: failed to decode from base64: illegal base64 data at input byte {at}"
    else:
        if size != _SECRET_BYTES:
            yield f"invalid clusterSecret: expected {_SECRET_BYTES} bytes, got {size}"


def _common_faults(said: Said) -> Iterator[str]:
    discovers = said.legacy_service is not None or bool(said.all("DiscoveryServiceConfig"))
    if discovers:
        for name, field, value in zip(("ID", "secret"), ("id", "secret"), said.identity, strict=True):
            if not value:
                yield (
                    f"cluster {name} (.cluster.{field} or DiscoveryIdentityConfig) should be set when cluster discovery "
                    "(DiscoveryServiceConfig) is enabled"
                )
    document = said.one("KubeSpanConfig")
    kubespan = said.kubespan if document is None else document
    if (kubespan or {}).get("enabled") and not discovers:
        yield "KubeSpan requires cluster discovery to be enabled"
