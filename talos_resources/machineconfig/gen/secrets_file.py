"""Reading secrets: from a bundle's own file, or out of a control plane's configuration."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.rpc.pki import CertificateAndKey

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node


class _Reader:
    """Looks things up in a document by path; a fault names the place and never the value.

    It reads nodes and not values, since a token such as 000000.1111111111111111 is no number.
    """

    def __init__(self, document: Node, source: str) -> None:
        self._document = document
        self._source = source

    def node(self, path: str) -> Node | None:
        """None where there is nothing or null."""
        here = self._document
        for key in path.split("."):
            if here.kind != "mapping":
                raise DecodeError("a mapping belongs here", path=path, source=f"{self._source}:{here.line}")
            found = here.get(key)
            if found is None or found.is_null:
                return None
            here = found
        return here

    def text(self, path: str) -> str:
        node = self.node(path)
        if node is None:
            return ""
        if node.kind != "scalar":
            raise DecodeError("a text belongs here", path=path, source=f"{self._source}:{node.line}")
        return node.text

    def pem(self, path: str) -> bytes:
        try:
            return base64.b64decode("".join(self.text(path).split()), validate=True)
        except (binascii.Error, ValueError):
            raise DecodeError("not base64; copy it whole", path=path, source=self._source) from None

    def pair(self, path: str) -> CertificateAndKey | None:
        if self.node(path) is None:
            return None
        return CertificateAndKey(crt=self.pem(f"{path}.crt"), key=self.pem(f"{path}.key"))

    def key(self, path: str) -> bytes | None:
        return None if self.node(path) is None else self.pem(f"{path}.key")


def load_bundle(path: Path) -> SecretsBundle:
    """Read a bundle's file; keys that we do not know are passed over.

    Raises:
        ConfigError: it cannot be read, or is not complete.
        DecodeError: it is not YAML, or a value is of the wrong kind.
    """
    reader = _Reader(_first_document(path), str(path))
    bundle = SecretsBundle(
        cluster_id=reader.text("cluster.id"),
        cluster_secret=reader.text("cluster.secret"),
        bootstrap_token=reader.text("secrets.bootstraptoken"),
        aescbc_encryption_secret=reader.text("secrets.aescbcencryptionsecret"),
        secretbox_encryption_secret=reader.text("secrets.secretboxencryptionsecret"),
        trustd_token=reader.text("trustdinfo.token"),
        etcd=reader.pair("certs.etcd"),
        k8s=reader.pair("certs.k8s"),
        k8s_aggregator=reader.pair("certs.k8saggregator"),
        k8s_service_account_key=reader.key("certs.k8sserviceaccount"),
        os=reader.pair("certs.os"),
    )
    bundle.check(source=str(path))
    return bundle


def from_config(path: Path) -> SecretsBundle:
    """Take the secrets out of a machine configuration; one of a worker lacks most of them.

    Raises:
        ConfigError: it cannot be read, or holds no machine configuration.
        DecodeError: it is not YAML, or a value is of the wrong kind.
    """
    reader = _Reader(_first_document(path), str(path))
    if reader.node("machine") is None and reader.node("cluster") is None:
        raise ConfigError(f"{path} holds no machine configuration: its first document has neither machine nor cluster")
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


def _first_document(path: Path) -> Node:
    from talos_resources.codec.goyaml.nodes import compose_all
    from talos_resources.machineconfig.node_output import unwrapped

    try:
        documents = compose_all(unwrapped(path.read_bytes(), source=str(path)).text, source=str(path))
    except OSError as error:
        raise ConfigError(f"cannot read the secrets of {path}: {error.strerror}") from None
    if not documents or documents[0].kind != "mapping":
        raise DecodeError("a mapping belongs here, as `gen secrets` and `gen config` write it", source=str(path))
    return documents[0]
