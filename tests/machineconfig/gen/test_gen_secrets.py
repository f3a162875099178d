"""Secrets bundles: what is made, what is read back, and what is refused."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from talos_resources.cli.main import main
from talos_resources.codec.goyaml.emit import dump
from talos_resources.machineconfig.gen import secrets
from talos_resources.machineconfig.gen.config import documents, to_yaml
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import SecretsBundle
from talos_resources.machineconfig.gen.secrets_config import from_config
from talos_resources.machineconfig.gen.secrets_file import load_bundle
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import CONTRACTS, Contract, Feature, known_release
from talos_resources.rpc import pki

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OLD = Contract(1, 2)
OPTIONS = GenOptions(cluster_name="c", endpoint="https://c.example:6443")
OLD_OPTIONS = attrs.evolve(OPTIONS, contract=Contract(1, 12))


@pytest.fixture(scope="module")
def bundle() -> SecretsBundle:
    return secrets.generate(now=NOW, contract=Contract(1, 6))


def written(tmp_path: Path, text: str, name: str = "secrets.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_bundle_survives_its_file(bundle: SecretsBundle, tmp_path: Path) -> None:
    assert load_bundle(written(tmp_path, bundle.to_yaml())) == bundle


@pytest.mark.parametrize("contract", [contract for contract in CONTRACTS if contract.has(Feature.SECRETBOX)], ids=str)
def test_a_bundle_survives_a_control_plane_configuration(bundle: SecretsBundle, tmp_path: Path, contract: Contract) -> None:
    options = attrs.evolve(OPTIONS, contract=contract)
    assert from_config(written(tmp_path, to_yaml(documents("controlplane", options, bundle)))) == bundle


def test_a_worker_has_no_more_than_it_may_know(bundle: SecretsBundle, tmp_path: Path) -> None:
    path = written(tmp_path, to_yaml(documents("worker", OLD_OPTIONS, bundle)))
    with pytest.raises(ConfigError, match=r"is no control plane's configuration: it has no certs\.etcd"):
        from_config(path)
    taken = from_config(path, compat=known_release("v1.12"))
    assert taken.missing() == (
        "one of secrets.secretboxencryptionsecret and secrets.aescbcencryptionsecret",
        "certs.etcd",
        "certs.k8saggregator",
        "certs.k8sserviceaccount",
    )
    assert taken.os is not None
    assert taken.os.key == b""
    assert "etcd: null" in taken.to_yaml()


def test_tokens_and_ids_have_their_form(bundle: SecretsBundle) -> None:
    for token in (bundle.bootstrap_token, bundle.trustd_token):
        assert re.fullmatch(r"[0-9a-z]{6}\.[0-9a-z]{16}", token)
    assert len(base64.b64decode(bundle.cluster_id, validate=True)) == 32
    assert "+" not in secrets.generate(now=NOW, contract=OLD, url_safe_id=True).cluster_id
    assert len(base64.b64decode(bundle.cluster_secret, validate=True)) == 32


@pytest.mark.parametrize(
    ("version", "kind", "secretbox"),
    [("v1.2", ec.EllipticCurvePrivateKey, False), ("v1.6", ec.EllipticCurvePrivateKey, True), ("v1.7", rsa.RSAPrivateKey, True)],
)
def test_old_versions_get_other_keys(version: str, kind: type, secretbox: bool) -> None:
    made = secrets.generate(now=NOW, contract=Contract.parse(version))
    assert made.k8s_service_account_key is not None
    assert isinstance(pki.key_from_pem(made.k8s_service_account_key), kind)
    assert bool(made.secretbox_encryption_secret) is secretbox
    assert bool(made.aescbc_encryption_secret) is not secretbox


def test_nothing_shows_in_a_repr_or_an_error(bundle: SecretsBundle, tmp_path: Path) -> None:
    assert repr(bundle) == "SecretsBundle(***)"
    broken = written(tmp_path, bundle.to_yaml().replace("crt: ", "crt: a%%"))
    with pytest.raises(DecodeError, match=r"certs.etcd.crt: not base64") as caught:
        load_bundle(broken)
    assert "%%" not in str(caught.value)


def test_everything_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lacks cluster\.id, .*certs\.k8sserviceaccount; make one with `gen secrets`"):
        load_bundle(written(tmp_path, "{}\n"))


def test_two_encryption_secrets_are_refused(bundle: SecretsBundle, tmp_path: Path) -> None:
    text = bundle.to_yaml().replace("    secretboxencryptionsecret:", "    aescbcencryptionsecret: YQ==\n    secretboxencryptionsecret:")
    with pytest.raises(ConfigError, match="only one of"):
        load_bundle(written(tmp_path, text))


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.mark.parametrize("kubernetes", [True, False])
@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"hello",
        b"-----BEGIN FOO-----\nAAAA\n-----END FOO-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
    ],
)
@pytest.mark.parametrize("part", ["etcd.crt", "etcd.key", "k8s.crt", "k8saggregator.key", "os.crt", "os.key", "k8sserviceaccount.key"])
def test_what_is_no_certificate_or_key_is_refused(bundle: SecretsBundle, tmp_path: Path, part: str, pem: bytes, kubernetes: bool) -> None:
    plain = bundle.to_plain()
    name, half = part.split(".")
    plain["certs"][name][half] = encoded(pem)
    path = written(tmp_path, dump(plain))
    if not kubernetes and name != "os":
        load_bundle(path, kubernetes=False)
        return
    with pytest.raises(ConfigError, match=rf"certs\.{name}\.{half} is no |lacks certs\.{name}") as caught:
        load_bundle(path, kubernetes=kubernetes)
    assert "AAAA" not in str(caught.value)


def test_what_go_reads_as_a_key_is_one(bundle: SecretsBundle, tmp_path: Path) -> None:
    assert bundle.os is not None
    own = encoded(bundle.os.key)
    for key in (b"a comment\n" + bundle.os.key, bundle.os.key + b"more", bundle.os.key.strip(), bundle.os.key.replace(b"\n", b"\r\n")):
        load_bundle(written(tmp_path, bundle.to_yaml().replace(own, encoded(key))))
    with pytest.raises(ConfigError, match=r"certs\.os\.key is no private key"):
        load_bundle(written(tmp_path, bundle.to_yaml().replace(own, encoded(b" " + bundle.os.key))))


def test_a_key_that_is_there_twice_is_refused(bundle: SecretsBundle, tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="already defined at line 1"):
        load_bundle(written(tmp_path, bundle.to_yaml() * 2))


@pytest.mark.parametrize(
    ("old", "new"),
    [("machine:\n", "machine:\n    nope: 1\n"), ("    type: controlplane", "    type: [1]"), ("kind: HostnameConfig", "kind: Nope")],
)
def test_no_secrets_are_taken_out_of_a_broken_configuration(bundle: SecretsBundle, tmp_path: Path, old: str, new: str) -> None:
    text = to_yaml(documents("controlplane", OPTIONS, bundle))
    assert old in text
    with pytest.raises((ConfigError, DecodeError), match=r"cp\.yaml"):
        from_config(written(tmp_path, text.replace(old, new), "cp.yaml"))


@pytest.mark.parametrize("text", ["", "a", "- a\n", "cluster: [1]\n"])
def test_what_is_no_bundle_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=r"secrets\.yaml.*a mapping belongs here"):
        load_bundle(written(tmp_path, text))


@pytest.mark.parametrize("text", ["latest", "v1", "1.x", "v1.2x", "vv1.2"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="invalid talos-version"):
        Contract.parse(text)


def test_versions_are_ordered_and_future_ones_accepted() -> None:
    assert Contract.parse("1.9") < Contract.parse("v1.10.4") < Contract.parse("") == Contract.parse("v2.0")


def kubernetes_pki(folder: Path) -> dict[str, pki.CertificateAndKey]:
    pairs = {name: pki.new_authority(name, now=NOW, algorithm=pki.KeyAlgorithm.ECDSA_P256) for name in ("ca", "etcd/ca", "front-proxy-ca")}
    (folder / "etcd").mkdir()
    for name, pair in pairs.items():
        (folder / f"{name}.crt").write_bytes(pair.crt)
        (folder / f"{name}.key").write_bytes(pair.key)
    (folder / "sa.key").write_bytes(pki.key_to_pem(pki.new_key(pki.KeyAlgorithm.ECDSA_P256)))
    return pairs


def test_an_existing_pki_is_taken_over(tmp_path: Path) -> None:
    pairs = kubernetes_pki(tmp_path)
    taken = secrets.from_kubernetes_pki(tmp_path, now=NOW, token="abcdef.0123456789abcdef")
    assert (taken.k8s, taken.etcd, taken.k8s_aggregator) == (pairs["ca"], pairs["etcd/ca"], pairs["front-proxy-ca"])
    assert taken.bootstrap_token == "abcdef.0123456789abcdef"
    assert taken.missing() == ()


def test_a_pki_that_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    kubernetes_pki(tmp_path)
    (tmp_path / "ca.key").write_bytes((tmp_path / "front-proxy-ca.key").read_bytes())
    with pytest.raises(ConfigError, match="do not belong together"):
        secrets.from_kubernetes_pki(tmp_path, now=NOW)
    (tmp_path / "sa.key").unlink()
    with pytest.raises(ConfigError, match=r"sa\.key"):
        secrets.from_kubernetes_pki(tmp_path, now=NOW)
    with pytest.raises(ConfigError, match="no folder"):
        secrets.from_kubernetes_pki(tmp_path / "nope", now=NOW)


def test_the_command_writes_once_and_privately(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "secrets.yaml"
    arguments = ["gen", "secrets", "--talos-version", "v1.6", "-o", str(path)]
    assert main(arguments) == 0
    assert capsys.readouterr() == ("", "")
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert main(arguments) == 1
    assert "already exists, use --force to overwrite" in capsys.readouterr().err
    assert path.read_text() == first
    assert main([*arguments, "--force"]) == 0
    assert path.read_text() != first


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As talosctl: a typing error in a path leaves no secrets in a place that nobody looks at."""
    assert main(["gen", "secrets", "-o", str(tmp_path / "new" / "secrets.yaml")]) == 1
    assert f"there is no folder {tmp_path / 'new'}; make it first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_takes_secrets_out_of_a_configuration(
    bundle: SecretsBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, to_yaml(documents("controlplane", OPTIONS, bundle)), "cp.yaml")
    assert main(["gen", "secrets", "--from-controlplane-config", str(config), "-o", "-"]) == 0
    assert capsys.readouterr().out == bundle.to_yaml()


@pytest.mark.parametrize("types", ["controlplane,worker,talosconfig", "worker"])
def test_an_authority_that_cannot_sign_is_refused_before_anything_is_written(
    types: str, bundle: SecretsBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "secrets.yaml", tmp_path / "out"
    text = bundle.to_yaml()
    begin = text.index("    os:\n")
    path.write_text(text[:begin] + re.sub(r"crt: \S+", "crt: aGVsbG8=", text[begin:], count=1))
    assert main(["gen", "config", "c", "https://c.example", "--with-secrets", str(path), "-t", types, "-o", str(out)]) == 1
    assert "certs.os.crt is no certificate" in capsys.readouterr().err
    assert not out.exists()
