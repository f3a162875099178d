"""Reading secrets from a bundle's own file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.machineconfig.pem import decoded
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.rpc.pki import CertificateAndKey

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node


class Reader:
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
        """A scalar; empty where there is none."""
        node = self.node(path)
        if node is None:
            return ""
        if node.kind != "scalar":
            raise DecodeError("a text belongs here", path=path, source=f"{self._source}:{node.line}")
        return node.text

    def pem(self, path: str) -> bytes:
        """What a base64 text stands for."""
        try:
            return decoded(self.text(path))
        except ValueError:
            raise DecodeError("not base64; copy it whole", path=path, source=self._source) from None

    def pair(self, path: str) -> CertificateAndKey | None:
        """A certificate and its key; None where there is neither."""
        if self.node(path) is None:
            return None
        return CertificateAndKey(crt=self.pem(f"{path}.crt"), key=self.pem(f"{path}.key"))

    def key(self, path: str) -> bytes | None:
        """A key without a certificate; None where there is none."""
        return None if self.node(path) is None else self.pem(f"{path}.key")


def load_bundle(path: Path, *, kubernetes: bool = True) -> SecretsBundle:
    """Read a bundle's file; keys that we do not know are passed over.

    Args:
        path: of the file.
        kubernetes: the machines run Kubernetes and etcd, so their parts have to be there.

    Raises:
        ConfigError: it cannot be read, or is not complete.
        DecodeError: it is not YAML, or a value is of the wrong kind.
    """
    reader = Reader(documents_of(path)[0], str(path))
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
    bundle.check(source=str(path), kubernetes=kubernetes)
    return bundle


def documents_of(path: Path) -> list[Node]:
    """The documents of a file, each a mapping.

    Raises:
        ConfigError: it cannot be read.
        DecodeError: it is not YAML, or its first document is no mapping.
    """
    from talos_resources.codec.goyaml.nodes import compose_all
    from talos_resources.codec.whole import read_whole
    from talos_resources.machineconfig.node_output import unwrapped

    try:
        documents = compose_all(unwrapped(read_whole(path), source=str(path)).text, source=str(path))
        for document in documents[:1]:
            _check_keys(document, source=str(path))
    except OSError as error:
        raise ConfigError(f"cannot read the secrets of {path}: {error.strerror}") from None
    if not documents or documents[0].kind != "mapping":
        raise DecodeError("a mapping belongs here, as `gen secrets` and `gen config` write it", source=str(path))
    return [document for document in documents if document.kind == "mapping"]


def _check_keys(node: Node, *, source: str) -> None:
    """Refuses a key that is there twice: which of the secrets would be meant?"""
    from talos_resources.codec.goyaml.values import pairs_of

    if node.kind == "mapping":
        for _, value in pairs_of(node, source=source):
            _check_keys(value, source=source)
