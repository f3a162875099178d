"""Documents: loading, every key there and back, values by path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema.compile import compiled
from talos_resources.machineconfig.schema.table import document_type, field_table
from talos_resources.machineconfig.schema.types import Scalar, Struct
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import RELEASES
from tests.machineconfig.control_plane import CONTROL_PLANE
from tests.machineconfig.samples import KINDS, full_document

DATA = Path(__file__).parents[1] / "data" / "config"


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_goes_there_and_back(kind: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    document = full_document(kind)
    text = document.text()
    config = MachineConfig.load(text)
    assert config.documents == (document,)
    assert config.text() == text
    # And through the command line: a patch that says nothing new gives the same text.
    file = tmp_path / "config.yaml"
    file.write_text(text)
    empty = "machine: {}\n" if kind == "v1alpha1" else "\n".join(text.splitlines()[: 3 if document.name else 2]) + "\n"
    assert main(["machineconfig", "patch", str(file), "--patch", empty]) == 0
    assert capfdbinary.readouterr().out.decode() == text + "\n"
    assert main(["mc", "patch", str(file), "--patch", empty, "--keep-comments", "-o", str(file)]) == 0
    assert file.read_text() == text


def test_every_key_can_be_read_and_set_by_its_path() -> None:
    config = MachineConfig.of([full_document("v1alpha1")])
    paths = list(_paths(document_type("v1alpha1"), ""))
    assert len(paths) > 90
    empty = MachineConfig.load("machine: {}\n")
    for path in paths:
        value = config.get(path)
        assert value is not None, path
        assert empty.get(path) is None
        assert empty.with_value(path, value).get(path) == value


def _paths(kind: Any, prefix: str) -> Any:
    """The paths of all atoms that no list or map is above of."""
    for key, field in kind.fields.items():
        if isinstance(field.type, Struct):
            yield from _paths(field.type, f"{prefix}{key}.")
        elif isinstance(field.type, Scalar) and field.type.name != "os.FileMode":
            yield f"{prefix}{key}"


def test_paths_are_checked_against_the_table() -> None:
    config = MachineConfig.load(CONTROL_PLANE)
    assert config.get("cluster.inlineManifests[0].name") == "cilium"
    assert config.get("cluster.inlineManifests[1].name", "none") == "none"
    assert config.get('machine.nodeLabels["a.b/c"]') is None
    for path, reason in [
        ("machine.network.kubspan.mtu", "did you mean kubespan"),
        ("machine.type.x", "single value"),
        ("cluster.inlineManifests.name", "a list"),
        ("machine[0]", "a section"),
        ("a b..c", "cannot understand"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            config.get(path)
    with pytest.raises(ConfigError, match="no kind of document"):
        config.get("x", kind="Nope")


def test_setting_values() -> None:
    config = MachineConfig.load("machine: {type: worker}\n")
    labelled = config.with_value('machine.nodeLabels["a.b/c"]', "yes").with_value("machine.network.kubespan.mtu", 1380)
    assert labelled.get("machine.nodeLabels") == {"a.b/c": "yes"}
    assert config.get("machine.nodeLabels") is None
    assert "mtu: 1380" in labelled.text()
    assert labelled.with_value("machine.network.kubespan.mtu", None).get("machine.network.kubespan.mtu") is None
    named = config.with_value("auto", "stable", kind="HostnameConfig")
    assert named.find("HostnameConfig") is not None
    with pytest.raises(DecodeError, match="not an integer"):
        config.with_value("machine.network.kubespan.mtu", "1380")
    with pytest.raises(ConfigError, match="leads into a list"):
        config.with_value("cluster.inlineManifests[0].name", "x")


def test_the_main_document_comes_first_and_null_documents_are_skipped() -> None:
    config = MachineConfig.load("apiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n---\n---\nmachine: {type: worker}\n")
    assert [str(document) for document in config.documents] == ["v1alpha1", "HostnameConfig"]
    assert config.text().startswith("version:")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no configuration found"),
        ("# only a comment\n", "no configuration found"),
        ("{}\n", "missing kind"),
        ("version: v1alpha1\n", "missing kind"),
        ("apiVersion: v1alpha1\nkind: KubeCNIConfig\n", 'no kind of document "KubeCNIConfig"'),
        ("kind: KubeSpanConfig\n", "missing apiVersion"),
        ("apiVersion: v1beta1\nkind: HostnameConfig\nauto: stable\n", "v1beta1"),
        ("machine: {nope: 1}\n", "machine.nope: unknown key"),
        ("apiVersion: v1alpha1\nkind: HostnameConfig\nhost: x\n", "host: HostnameConfig: unknown key"),
        ("apiVersion: v1alpha1\nkind: HostnameConfig\nauto: maybe\n", "none of off, talos-addr, stable"),
        ("machine: {network: {kubespan: {mtu: '1400'}}}\n", "a number in quotes is text"),
        ("machine: {network: {kubespan: {mtu: -1}}}\n", "outside of 0..4294967295"),
        ("debug: 'true'\n", "not a boolean"),
        ("cluster: {controlPlane: {endpoint: 'https://a b'}}\n", "invalid character ' ' in host name"),
        ("machine: {time: {bootTimeout: 5}}\n", "no duration without a unit"),
        ("machine: {ca: {crt: '!!!'}}\n", "illegal base64"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, reason: str) -> None:
    with pytest.raises((ConfigError, DecodeError)) as caught:
        MachineConfig.load(text)
    assert reason in caught.value.message


def test_canonical_forms() -> None:
    config = MachineConfig.load(
        "debug: yes\n"
        "machine:\n"
        "  time: {bootTimeout: 150s}\n"
        "  disks: [{device: /dev/sdb, partitions: [{size: 100000000, mountpoint: /x}]}]\n"
        "  files: [{content: '', permissions: 420, path: /a, op: create}]\n"
        "  sysctls: {a: 1.50, b: 0x1f, c: ~, d: yes}\n"
        "  network: {kubespan: {mtu: 1.42e3}}\n"
    )
    text = config.text()
    for line in ("debug: true", "bootTimeout: 2m30s", "size: 100 MB", "permissions: 0o644", 'a: "1.50"', 'b: "0x1f"', 'c: ""', "d: 'yes'"):
        assert line in text
    assert config.get("machine.network.kubespan.mtu") == 1420
    assert MachineConfig.load(text).text() == text


def test_the_packaged_field_tables_are_current() -> None:
    for path, text in compiled(DATA):
        assert path.read_text() == text, f"{path.name}: run {compiled.__module__}"


def test_every_kind_of_every_release_has_a_type() -> None:
    for release in RELEASES:
        for kind in (*release.document_kinds, "v1alpha1"):
            found = document_type(kind, release)
            assert found is not None
            assert "kind" in found.fields or kind == "v1alpha1"
    assert document_type("KubeSpanConfig", RELEASES[0]) is None
    assert "KubeProxyConfig" in field_table("1.14").control_plane_kinds


def test_a_release_reads_and_writes_by_its_own_table() -> None:
    text = "machine: {type: worker, sysctls: {a: 'yes'}}\ncluster: {}\n"
    old, new = (MachineConfig.load(text, release=release).text() for release in (RELEASES[0], RELEASES[-1]))
    assert "controlPlane: null" in old
    assert 'a: "yes"' in old
    assert "cluster: {}" in new
    assert "a: 'yes'" in new
    with pytest.raises(DecodeError, match=r"Talos v1\.12 does not know it, v1\.13 does"):
        MachineConfig.load("apiVersion: v1alpha1\nkind: KubeSpanConfig\n", release=RELEASES[0])
    date = "machine: {sysctls: {a: 2001-01-01}}\n"
    assert MachineConfig.load(date, release=RELEASES[0]).get("machine.sysctls") == {"a": "2001-01-01"}
    with pytest.raises(DecodeError, match="is a date to YAML where text belongs; put it in quotes"):
        MachineConfig.load(date)
