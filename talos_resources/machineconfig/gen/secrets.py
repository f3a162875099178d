"""The secrets of a cluster: identity, tokens, certificate authorities.

A bundle is generated, read from a file, taken from a control plane's configuration or built on an
existing Kubernetes PKI; and written in talosctl's form. Nothing of it shows in a repr or an error.

Source: reference of the machine-config workflow (gen secrets), Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.codec.whole import read_whole
from talos_resources.machineconfig import pem
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, Contract, Feature
from talos_resources.rpc.pki import CertificateAndKey

_LETTERS_AND_DIGITS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_SECRET_BYTES: Final = 32
_WITHOUT_KUBERNETES: Final = frozenset({"cluster.id", "cluster.secret", "trustdinfo.token", "certs.os"})
"""What a machine needs that runs neither Kubernetes nor etcd."""


@attrs.frozen(kw_only=True, repr=False)
class SecretsBundle:
    """Everything secret that the configurations of one cluster share.

    A part that is not there is empty or None; `missing` names what a configuration would lack.
    """

    cluster_id: str
    cluster_secret: str
    bootstrap_token: str
    trustd_token: str
    aescbc_encryption_secret: str = ""
    secretbox_encryption_secret: str = ""
    etcd: CertificateAndKey | None = None
    k8s: CertificateAndKey | None = None
    k8s_aggregator: CertificateAndKey | None = None
    k8s_service_account_key: bytes | None = None
    """PEM."""
    os: CertificateAndKey | None = None

    def __repr__(self) -> str:
        return "SecretsBundle(***)"

    def missing(self, *, kubernetes: bool = True) -> tuple[str, ...]:
        """The parts that a usable bundle needs and this one lacks, by their path in the file.

        Args:
            kubernetes: the machines run Kubernetes and etcd.
        """
        parts: dict[str, Any] = {
            "cluster.id": self.cluster_id,
            "cluster.secret": self.cluster_secret,
            "secrets.bootstraptoken": self.bootstrap_token,
            "one of secrets.secretboxencryptionsecret and secrets.aescbcencryptionsecret": (
                self.secretbox_encryption_secret or self.aescbc_encryption_secret
            ),
            "trustdinfo.token": self.trustd_token,
            "certs.etcd": self.etcd,
            "certs.k8s": self.k8s,
            "certs.k8saggregator": self.k8s_aggregator,
            "certs.os": self.os,
            "certs.k8sserviceaccount": self.k8s_service_account_key,
        }
        wanted = parts if kubernetes else _WITHOUT_KUBERNETES
        return tuple(name for name, value in parts.items() if name in wanted and not value)

    def check(self, *, source: str, kubernetes: bool = True) -> None:
        """Refuse a bundle that no cluster can be made with.

        Args:
            source: a file name for errors.
            kubernetes: the machines run Kubernetes and etcd.

        Raises:
            ConfigError: it names everything that is missing or broken, or that there are two encryption secrets.
        """
        missing = self.missing(kubernetes=kubernetes)
        if missing:
            raise ConfigError(f"{source} is no complete secrets bundle, it lacks {', '.join(missing)}; make one with `gen secrets`")
        if self.secretbox_encryption_secret and self.aescbc_encryption_secret:
            raise ConfigError(
                f"{source}: only one of secrets.secretboxencryptionsecret and secrets.aescbcencryptionsecret is allowed; "
                "remove the one that the cluster does not use"
            )
        faults = [f"{name} {fault}" for name, fault in self._pem_faults() if kubernetes or name.startswith("certs.os.")]
        if faults:
            raise ConfigError(f"{source}: {'; '.join(faults)}; copy it whole or make new secrets with `gen secrets`")

    def _pem_faults(self) -> Iterator[tuple[str, str]]:
        """Where a key or a certificate is none, and why."""
        pairs = {"etcd": self.etcd, "k8s": self.k8s, "k8saggregator": self.k8s_aggregator, "os": self.os}
        keys = {name: pair.key for name, pair in pairs.items() if pair is not None}
        for name, key in {**keys, "k8sserviceaccount": self.k8s_service_account_key}.items():
            if key is not None and (fault := pem.key_fault(key.decode("latin-1"))):
                yield f"certs.{name}.key", f"is no private key ({fault})"
        for name, pair in pairs.items():
            if pair is not None and (fault := pem.certificate_fault(pair.crt.decode("latin-1"))):
                yield f"certs.{name}.crt", f"is no certificate ({fault})"

    def to_plain(self) -> dict[str, Any]:
        """The bundle as its file holds it, in the file's order; parts that are not there are null."""
        encryption = {
            "aescbcencryptionsecret": self.aescbc_encryption_secret,
            "secretboxencryptionsecret": self.secretbox_encryption_secret,
        }
        service_account = self.k8s_service_account_key
        return {
            "cluster": {"id": self.cluster_id, "secret": self.cluster_secret},
            "secrets": {"bootstraptoken": self.bootstrap_token, **{key: value for key, value in encryption.items() if value}},
            "trustdinfo": {"token": self.trustd_token},
            "certs": {
                "etcd": certificate_to_plain(self.etcd),
                "k8s": certificate_to_plain(self.k8s),
                "k8saggregator": certificate_to_plain(self.k8s_aggregator),
                "k8sserviceaccount": None if service_account is None else {"key": encode(service_account)},
                "os": certificate_to_plain(self.os),
            },
        }

    def to_yaml(self) -> str:
        """The text of its file."""
        from talos_resources.codec.goyaml.emit import dump

        return dump(self.to_plain())


def generate(*, now: datetime, contract: Contract = CURRENT, url_safe_id: bool = False) -> SecretsBundle:
    """Fresh secrets for a cluster.

    Args:
        now: aware time, start of the certificates' ten years.
        contract: the Talos version that will read them: old ones want other kinds of keys.
        url_safe_id: write the cluster's id in URL-safe base64, as talosctl did until v1.13; Talos takes both.
    """
    from talos_resources.rpc import pki

    ecdsa = pki.KeyAlgorithm.ECDSA_P256
    account = pki.KeyAlgorithm.RSA_4096 if contract.has(Feature.RSA_SERVICE_ACCOUNT) else ecdsa
    return SecretsBundle(
        **_fresh_tokens(contract, url_safe_id=url_safe_id),
        etcd=pki.new_authority("etcd", now=now, algorithm=ecdsa),
        k8s=pki.new_authority("kubernetes", now=now, algorithm=ecdsa),
        k8s_aggregator=pki.new_authority(None, now=now, algorithm=ecdsa),
        k8s_service_account_key=pki.key_to_pem(pki.new_key(account)),
        os=pki.new_authority("talos", now=now),
    )


def from_kubernetes_pki(
    folder: Path, *, now: datetime, token: str = "", contract: Contract = CURRENT, url_safe_id: bool = False
) -> SecretsBundle:
    """Secrets for a cluster that goes on with the PKI of an existing one (kubeadm's layout).

    Args:
        folder: holds ca, front-proxy-ca and etcd/ca, each as `.crt` and `.key`, and sa.key.
        now: aware time, for what is made afresh.
        token: the bootstrap token of the cluster; empty makes one.
        contract: the Talos version that will read them.
        url_safe_id: as of `generate`.

    Raises:
        ConfigError: a file is missing, or is not what its name says.
    """
    from talos_resources.rpc import pki

    if not folder.is_dir():
        raise ConfigError(f"no folder {folder}; name the Kubernetes PKI, such as /etc/kubernetes/pki")

    def pair(name: str) -> CertificateAndKey:
        found = CertificateAndKey(crt=_read(folder / f"{name}.crt"), key=_read(folder / f"{name}.key"))
        certificate = pki.certificate_from_pem(found.crt, what=str(folder / f"{name}.crt"))
        if pki.key_from_pem(found.key, what=str(folder / f"{name}.key")).public_key() != certificate.public_key():
            raise ConfigError(f"{folder / name}.crt and .key do not belong together; copy both from the same machine")
        return found

    service_account = _read(folder / "sa.key")
    pki.key_from_pem(service_account, what=str(folder / "sa.key"))
    tokens = _fresh_tokens(contract, url_safe_id=url_safe_id)
    return SecretsBundle(
        **{**tokens, "bootstrap_token": token or tokens["bootstrap_token"]},
        etcd=pair("etcd/ca"),
        k8s=pair("ca"),
        k8s_aggregator=pair("front-proxy-ca"),
        k8s_service_account_key=service_account,
        os=pki.new_authority("talos", now=now),
    )


def encode(data: bytes) -> str:
    """PEM as configurations hold it: base64 on one line."""
    return base64.b64encode(data).decode("ascii")


def certificate_to_plain(pair: CertificateAndKey | None, *, with_key: bool = True) -> dict[str, str] | None:
    """A certificate and its key as configurations hold them; a key that is left out is empty."""
    if pair is None:
        return None
    return {"crt": encode(pair.crt), "key": encode(pair.key) if with_key else ""}


def _fresh_tokens(contract: Contract, *, url_safe_id: bool) -> dict[str, str]:
    import secrets  # here: it loads hmac and OpenSSL's hashes, and most bundles are read from a file

    encryption = "secretbox_encryption_secret" if contract.has(Feature.SECRETBOX) else "aescbc_encryption_secret"
    cluster_id = secrets.token_bytes(_SECRET_BYTES)
    return {
        "cluster_id": (base64.urlsafe_b64encode if url_safe_id else base64.standard_b64encode)(cluster_id).decode("ascii"),
        "cluster_secret": encode(secrets.token_bytes(_SECRET_BYTES)),
        "bootstrap_token": _token(),
        "trustd_token": _token(),
        encryption: encode(secrets.token_bytes(_SECRET_BYTES)),
    }


def _token() -> str:
    return f"{_random_text(6)}.{_random_text(16)}"


def _random_text(length: int) -> str:
    import secrets

    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(length))


def _read(path: Path) -> bytes:
    try:
        return read_whole(path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; the folder needs ca, front-proxy-ca, etcd/ca and sa.key") from None
