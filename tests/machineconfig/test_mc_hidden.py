"""What is shown of a configuration holds no secret, whatever form it has."""

from __future__ import annotations

import base64

import attrs
import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.hidden import HIDDEN, HIDDEN_NEW, difference, hidden_text
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.rpc.pki import CertificateAndKey
from tests.machineconfig.made import made, secrets

OTHERS = """\
machine:
  token: tok-en-1
  type: worker
  env: {HTTPS_PROXY: "http://me:pass-word-2@proxy.example.org"}
  install: {disk: /dev/sda}
  files: [{path: /var/x, permissions: 0o600, op: create, content: "file-3"}]
  network:
    interfaces:
    - interface: wg0
      wireguard: {privateKey: wire-4, peers: [{publicKey: not-secret, endpoint: "10.0.0.1:1"}]}
  registries:
    config: {example.org: {auth: {username: me, password: reg-5, auth: reg-6, identityToken: reg-7}}}
  systemDiskEncryption: {state: {provider: luks2, keys: [{slot: 0, static: {passphrase: disk-8}}]}}
cluster:
  extraManifestHeaders: {Authorization: head-9}
  inlineManifests: [{name: cilium, contents: "kind: Secret\\nstringData: {key: manifest-10}\\n"}]
---
apiVersion: v1alpha1
kind: WireguardConfig
name: wg1
privateKey: wire-11
peers: [{publicKey: not-secret, presharedKey: wire-12}]
---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: example.org
username: me
password: reg-13
---
apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: https://me.example.org/?jointoken=join-14
uniqueToken: unique-15
---
apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: vpn
configFiles: [{content: ext-16, mountPath: /etc/x}]
environment: ["TS_AUTHKEY=ext-17"]
---
apiVersion: v1alpha1
kind: KubeInlineManifestConfig
name: more
manifest: "manifest-18"
"""
SECRETS = [
    *("tok-en-1", "pass-word-2", "file-3", "wire-4", "reg-5", "reg-6", "reg-7", "disk-8", "head-9", "manifest-10", "wire-11", "wire-12"),
    *("reg-13", "join-14", "unique-15", "ext-16", "ext-17", "manifest-18"),
]


def all_secrets() -> list[str]:
    """Every secret of the generated cluster, in the forms in which configurations hold them."""
    bundle = secrets()
    found: list[str] = []
    for value in attrs.asdict(bundle, recurse=False).values():
        key = value.key if isinstance(value, CertificateAndKey) else value
        if isinstance(key, bytes):
            found += [base64.b64encode(key).decode(), *(line for line in key.decode().splitlines() if not line.startswith("-"))]
        elif isinstance(key, str) and key not in {bundle.cluster_id, ""}:
            found.append(key)
    return found


@pytest.mark.parametrize("version", ["v1.12", "v1.13", "v1.14"])
@pytest.mark.parametrize("role", ["controlplane", "worker"])
def test_no_secret_of_a_cluster_is_shown(role: str, version: str) -> None:
    text = made(role, version)  # type: ignore[arg-type]  # a parameter of two values
    config = MachineConfig.load(text)
    shown = hidden_text(config)
    own = [secret for secret in all_secrets() if secret in text]
    assert len(own) >= 3
    assert [secret for secret in own if secret in shown] == []
    assert shown.count(HIDDEN) >= 3
    assert "/dev/sda" in shown or version == "v1.14"
    nothing = MachineConfig.of([])
    assert [secret for secret in own if secret in difference(nothing, config) + difference(config, nothing)] == []


def test_no_secret_of_what_users_write_is_shown() -> None:
    shown = hidden_text(MachineConfig.load(OTHERS))
    assert [secret for secret in SECRETS if secret in shown] == []
    for kept in ("not-secret", "username: me", "/var/x", "https://me.example.org/?jointoken=", "/etc/x", "wg0", "name: cilium"):
        assert kept in shown


def test_a_difference_says_that_a_secret_is_another_one_and_shows_neither() -> None:
    old = MachineConfig.load(OTHERS)
    new, _ = patch_config(old, [parse_patch("machine: {token: tok-en-99, certSANs: [a.example.org]}")])
    shown = difference(old, new)
    assert f"-    token: {HIDDEN}\n" in shown
    assert HIDDEN_NEW in shown
    assert "a.example.org" in shown
    assert "tok-en" not in shown
    assert "WireguardConfig" not in shown, "what stays is not shown"
    assert difference(old, old) == ""


MANIFESTS = """\
machine: {type: worker, env: {A: env-1}}
cluster: {inlineManifests: [{name: one, contents: manifest-1}, {name: two, contents: manifest-2}]}
"""


@pytest.mark.parametrize(
    ("new", "others"),
    [
        (MANIFESTS.replace("[{name: one", "[{name: zero, contents: manifest-0}, {name: one"), 0),
        (MANIFESTS.replace("}]}", "}, {name: three, contents: manifest-3}]}"), 0),
        (MANIFESTS.replace("{name: one, contents: manifest-1}, ", ""), 0),
        (MANIFESTS.replace("{A: env-1}", "{A: env-1, B: env-2}"), 0),
        (MANIFESTS.replace("worker, env", "worker, token: tok-en-1, env"), 0),
        (MANIFESTS + "---\n" + OTHERS.rsplit("---\n", maxsplit=1)[-1], 0),
        (MANIFESTS.replace("manifest-1}, ", "manifest-9}, "), 1),
        (MANIFESTS.replace("name: two, contents: manifest-2", "name: other, contents: manifest-9"), 1),
        (MANIFESTS.replace("env-1", "env-2"), 1),
    ],
)
def test_another_secret_is_told_where_one_was_and_an_added_one_is_only_hidden(new: str, others: int) -> None:
    shown = difference(MachineConfig.load(MANIFESTS), MachineConfig.load(new))
    assert shown.count(HIDDEN_NEW) == others
    assert any(line[0] in "+-" for line in shown.splitlines()[2:])
    assert not any(secret in shown for secret in ("manifest-", "env-", "tok-en"))


def test_a_document_that_comes_or_goes_is_named() -> None:
    old = MachineConfig.load(made())
    new, _ = patch_config(old, [parse_patch("apiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n")])
    assert "--- nothing (now)\n+++ KubeSpanConfig (new)\n" in difference(old, new)
    assert "--- KubeSpanConfig (now)\n+++ nothing (new)\n" in difference(new, old)
