"""Patches that delete: what they reach, and where they lead to nothing."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.patch.apply import patch_text
from talos_resources.machineconfig.patch.load import StrategicPatch, parse_patch
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import RELEASES, Release, known_release
from tests.machineconfig.patching import BASE, V1_12, V1_14, merged


def test_a_delete_that_leads_to_nothing_is_an_error() -> None:
    for patch, reason in [
        ("machine: {nodeLabels: {zz: {$patch: delete}}}", r"machine\.nodeLabels\.zz in v1alpha1: there is nothing"),
        ("machine: {nope: {$patch: delete}}", r"machine\.nope in v1alpha1: there is no such field"),
        ("machine: {network: {interfaces: [{interface: e, mtu: {$patch: delete}}]}}", "inside of a list item"),
        ("machine: {network: {interfaces: [{$patch: delete}]}}", "needs a key that tells which item"),
    ]:
        with pytest.raises((ConfigError, DecodeError), match=reason):
            merged(BASE, patch)


def test_what_is_emptied_by_deletes_is_not_merged() -> None:
    hostname = "apiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n"
    delete = parse_patch("version: v1alpha1\nmachine: {network: {interfaces: [{interface: eth7, $patch: delete}]}}")
    assert isinstance(delete, StrategicPatch)
    assert delete.documents == ()
    # talosctl leaves `{}` in its place; a document that is made then still comes first.
    assert patch_text(hostname, [delete], compat=known_release("v1.12")).text == hostname + "---\n{}\n"
    others = parse_patch("machine: {type: worker, token: {$patch: delete}}")
    assert patch_text(hostname, [others], compat=known_release("v1.12")).text.split("---\n")[1:] == [hostname, "{}\n"]
    assert patch_text(hostname, [delete]).text == hostname


FREE = "machine: {kubelet: {extraConfig: {a: {b: 1, c: 2}, d: [{e: f}]}}}\n"
VLAN = "apiVersion: v1alpha1\nkind: VLANConfig\nname: v\nvlanID: 5\nparent: eth0\nmtu: 1400\naddresses: [{address: 10.0.0.1/24}]\n"


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_deletes_inside_of_free_form_parts(release: Release) -> None:
    delete = parse_patch("machine: {kubelet: {extraConfig: {a: {b: {$patch: delete}}}}}\n", release=release)
    if release is V1_12:
        with pytest.raises(ConfigError, match=r"a\.b in v1alpha1: only Talos v1\.13 and later can delete inside of free-form"):
            patch_text(FREE, [delete], compat=release)
        return
    config = MachineConfig.load(patch_text(FREE, [delete], compat=release).text, release=release)
    assert config.get("machine.kubelet.extraConfig") == {"a": {"c": 2}, "d": [{"e": "f"}]}
    item = parse_patch("machine: {kubelet: {extraConfig: {d: [{e: f, $patch: delete}]}}}\n", release=release)
    with pytest.raises(ConfigError, match="items of lists in free-form parts cannot be deleted"):
        patch_text(FREE, [item], compat=release)


@pytest.mark.parametrize("field", ["mtu: {$patch: delete}", "addresses: [{address: 10.0.0.1/24, $patch: delete}]"])
@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_deletes_in_embedded_structures(release: Release, field: str) -> None:
    delete = parse_patch(f"apiVersion: v1alpha1\nkind: VLANConfig\nname: v\n{field}\n", release=release)
    if release is V1_12:
        with pytest.raises(ConfigError, match="only Talos v1.13 and later"):
            patch_text(VLAN, [delete], compat=release)
    else:
        assert field.partition(":")[0] not in patch_text(VLAN, [delete], compat=release).text


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_deleting_a_document_that_is_not_there(release: Release) -> None:
    base = "machine: {type: worker}\n"
    named = parse_patch("apiVersion: v1alpha1\nkind: NetworkRuleConfig\nname: a\n$patch: delete\n", release=release)
    plain = parse_patch("apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n", release=release)
    if release is V1_14:
        assert patch_text(base, [named, plain], compat=release).text.count("---") == 0
        return
    with pytest.raises(ConfigError, match="NetworkRuleConfig/a: there is no such document"):
        patch_text(base, [named], compat=release)
    assert patch_text(base, [plain], compat=release).text.endswith("---\n{}\n")


def test_a_field_delete_leaves_the_rest_of_its_document() -> None:
    delete = "apiVersion: v1alpha1\nkind: KubeSpanConfig\nmtu: {$patch: delete}\n"
    assert merged("machine: {type: worker}\n", delete).find("KubeSpanConfig") is not None


def test_what_a_delete_can_reach() -> None:
    config = "machine: {ca: {crt: YQ==, key: YQ==}}\ncluster: {discovery: {enabled: true}}\n"
    # A section that is always there has nothing to lose; a certificate is one value.
    assert merged(config, "cluster: {discovery: {registries: {kubernetes: {disabled: {$patch: delete}}}}}").get("cluster.discovery.enabled")
    with pytest.raises(ConfigError, match=r"cannot delete machine\.ca\.key in v1alpha1: it is part of one value"):
        merged(config, "machine: {ca: {key: {$patch: delete}}}")
