"""Taking the secrets out of a control plane's configuration, whichever form it has.

Source: reference of the machine-config workflow (gen secrets), Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from talos_resources.codec.whole import read_whole
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.machineconfig.gen.secrets_file import Reader, documents_of
from talos_resources.model.errors import ConfigError
from talos_resources.releases import NEWEST
from talos_resources.rpc.pki import CertificateAndKey

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node
    from talos_resources.releases import Release

_NEEDED: Final = ("certs.etcd", "certs.k8s", "certs.k8saggregator", "certs.k8sserviceaccount", "certs.os")
"""Parts that every control plane has, so that a file without one is none; the others may be left out."""


def from_config(path: Path, *, compat: Release | None = None) -> SecretsBundle:
    """Take the secrets out of a machine configuration.

    Args:
        path: of the file; its sections or its documents are read, where both are there the sections.
        compat: the talosctl to imitate: old ones take what little a worker has, and none sees an aescbc
            secret in a document.

    Raises:
        ConfigError: it cannot be read, holds no machine configuration, or not that of a control plane.
        DecodeError: it is not YAML, has a key or kind of document that Talos does not know, or a value of the wrong kind.
    """
    roots = documents_of(path)
    MachineConfig.load(read_whole(path), source=str(path), release=compat or NEWEST)  # what nothing else could read is refused
    main = next((root for root in roots if root.get("machine") or root.get("cluster")), None)
    if main is None:
        raise ConfigError(f"{path} holds no machine configuration: no document of it has machine or cluster")
    by_kind = {kind.text: root for root in reversed(roots) if (kind := root.get("kind")) is not None}
    documents = _documents(by_kind, str(path))
    if compat is not None:
        documents = attrs.evolve(documents, aescbc_encryption_secret="")
    bundle = _merged(_sections(Reader(main, str(path))), documents)
    lacking = [name for name in bundle.missing() if name in _NEEDED]
    if lacking and not (compat is not None and compat.gen.partial_secrets):
        raise ConfigError(f"{path} is no control plane's configuration: it has no {', '.join(lacking)}; name one of a control plane")
    return bundle


def _sections(reader: Reader) -> SecretsBundle:
    """What the v1alpha1 document has."""
    return SecretsBundle(
        cluster_id=reader.text("cluster.id"),
        cluster_secret=reader.text("cluster.secret"),
        bootstrap_token=reader.text("cluster.token"),
        aescbc_encryption_secret=reader.text("cluster.aescbcEncryptionSecret"),
        secretbox_encryption_secret=reader.text("cluster.secretboxEncryptionSecret"),
        trustd_token=reader.text("machine.token"),
        etcd=reader.pair("cluster.etcd.ca"),
        k8s=reader.pair("cluster.ca"),
        k8s_aggregator=reader.pair("cluster.aggregatorCA"),
        k8s_service_account_key=reader.key("cluster.serviceAccount"),
        os=reader.pair("machine.ca"),
    )


def _documents(by_kind: Mapping[str, Node], source: str) -> SecretsBundle:
    """What the documents have; certificates and keys are plain PEM there."""

    def text(kind: str, path: str) -> str:
        root = by_kind.get(kind)
        return "" if root is None else Reader(root, source).text(path)

    def pair(kind: str) -> CertificateAndKey | None:
        certificate, key = (text(kind, f"issuingCA.{part}").encode() for part in ("cert", "key"))
        return CertificateAndKey(crt=certificate, key=key) if certificate else None

    encryption = _encryption(by_kind.get("KubeEtcdEncryptionConfig"))
    return SecretsBundle(
        cluster_id=text("DiscoveryIdentityConfig", "clusterID"),
        cluster_secret=text("DiscoveryIdentityConfig", "clusterSecret"),
        bootstrap_token="",
        trustd_token="",
        secretbox_encryption_secret=encryption.get("secretbox", ""),
        aescbc_encryption_secret=encryption.get("aescbc", ""),
        k8s=pair("KubeAPIServerCAConfig"),
        k8s_aggregator=pair("KubeAggregatorCAConfig"),
        k8s_service_account_key=text("KubeServiceAccountConfig", "issuer.privateKey").encode() or None,
    )


def _encryption(root: Node | None) -> dict[str, str]:
    """The secret with which etcd's secrets are written: the first key of their first provider, by its kind."""
    for block in _items(root, "config", "resources"):
        if "secrets" not in [item.text for item in _items(block, "resources")]:
            continue
        first = _items(block, "providers")[:1]
        for kind, value in first[0].pairs[:1] if first else ():
            keys = _items(value, "keys")
            secret = keys[0].get("secret") if keys else None
            return {kind.text: secret.text} if secret is not None else {}
        return {}
    return {}


def _items(node: Node | None, *path: str) -> list[Node]:
    """The items of the list at a path; none where there is no such list."""
    for key in path:
        node = node.get(key) if node is not None else None
    return node.items if node is not None else []


def _merged(one: SecretsBundle, other: SecretsBundle) -> SecretsBundle:
    """What either of them has, the first one where both have it."""
    names = [field.name for field in attrs.fields(SecretsBundle)]
    return SecretsBundle(**{name: getattr(one, name) or getattr(other, name) for name in names})
