"""Corners of strategic merges, observed on Talos's own merge (v1.13.3)."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.patch.apply import patch_text
from talos_resources.machineconfig.patch.load import StrategicPatch, parse_patch
from talos_resources.releases import Release
from tests.machineconfig.patching import V1_12, V1_14

VOLUME = """\
apiVersion: v1alpha1
kind: UserVolumeConfig
name: v
provisioning:
    diskSelector:
        match: disk.size > 1u
    minSize: 10GB
    maxSize: 20GB
"""


def patched(text: str, patch: str, compat: Release | None = None) -> str:
    return patch_text(text, [parse_patch(patch, release=compat or V1_14)], compat=compat).text


def volume(rest: str) -> str:
    return "".join(VOLUME.splitlines(keepends=True)[:3]) + rest


def test_talos_loses_expressions_and_smallest_sizes_and_we_do_not() -> None:
    patch = volume("filesystem: {type: ext4}\n")
    kept = "filesystem:\n    type: ext4\n"
    assert patched(VOLUME, patch) == VOLUME + kept
    for compat in (V1_12, V1_14):
        assert patched(VOLUME, patch, compat) == volume("provisioning:\n    maxSize: 20GB\n") + kept
    assert patched(VOLUME, volume("provisioning: {maxSize: 50%}\n")) == VOLUME.replace("20GB", "50%")
    assert patched(VOLUME, volume("provisioning: {maxSize: 50%}\n"), V1_14) == volume("provisioning:\n    maxSize: 20GB\n")
    assert patched(VOLUME.replace("20GB", "50%"), volume("provisioning: {maxSize: 5GB}\n"), V1_14).endswith("    maxSize: 5GB\n")


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ("[{name: a}]", "[{name: a, configuration: {x: 1}}]", 1),
        ("[{configuration: {y: 1}}]", "[{configuration: {x: 1}}]", 1),  # no name is a name, too
        ("[]", "[{name: a, configuration: {x: 1}}, {name: a}]", 1),
        ("[{name: a}]", "[{name: b, configuration: {x: 1}}]", 2),
    ],
)
def test_items_are_found_by_what_they_are_called(before: str, patch: str, after: int) -> None:
    wrapped = "cluster: {{apiServer: {{admissionControl: {}}}}}\n"
    text = patched(wrapped.format(before), wrapped.format(patch))
    assert text.count("configuration:") == after
    assert "x: 1" in text


@pytest.mark.parametrize(("selector", "found"), [("{driver: x}", True), ("{driver: x, physical: true}", False)])
def test_selectors_with_what_is_set_through_a_pointer_are_never_equal(selector: str, found: bool) -> None:
    wrapped = f"machine: {{network: {{interfaces: [{{deviceSelector: {selector}, %s}}]}}}}\n"
    assert patched(wrapped % "mtu: 1400", wrapped % "dhcp: true").count("deviceSelector:") == (1 if found else 2)


def test_rules_of_images_replace_the_last_of_the_configuration() -> None:
    wrapped = "apiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules: {}\n"
    text = patched(wrapped.format("[{deny: true}, {skip: true}]"), wrapped.format("[{deny: false}, {image: a}, {image: a}]"))
    assert text.endswith("rules:\n    - deny: true\n    - deny: false\n    - image: a\n    - image: a\n")


def test_an_empty_hardware_address_overrides() -> None:
    bond = "apiVersion: v1alpha1\nkind: BondConfig\nname: b\nhardwareAddr: {}\n"
    assert "hardwareAddr" not in patched(bond.format("00:11:22:33:44:55"), bond.format("''"))


@pytest.mark.parametrize("empty", ["{}", "version: v1alpha1", "kind: HostnameConfig", "kind: Foo\nname: x", "null", "# nothing"])
def test_documents_of_a_patch_that_say_nothing_are_passed_over(empty: str) -> None:
    patch = parse_patch(f"{empty}\n---\nmachine: {{type: worker}}\n")
    assert isinstance(patch, StrategicPatch)
    assert [step.kind for step in patch.steps] == ["v1alpha1"]
    deletes = parse_patch(f"{empty}\n---\nmachine: {{kubelet: {{$patch: delete}}}}\n")
    assert isinstance(deletes, StrategicPatch)
    assert len(deletes.deletes) == 1


def test_until_v1_13_deletes_of_the_main_document_come_first() -> None:
    patch = (
        "apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n---\nmachine: {type: worker}\n---\nmachine: {kubelet: {$patch: delete}}\n"
    )
    for release, order in ((V1_12, ["v1alpha1", "v1alpha1", "HostnameConfig"]), (V1_14, ["HostnameConfig", "v1alpha1", "v1alpha1"])):
        found = parse_patch(patch, release=release)
        assert isinstance(found, StrategicPatch)
        assert [step.kind for step in found.steps] == order


def test_the_main_document_cannot_go_as_a_whole() -> None:
    text = "machine:\n    type: worker\n"
    assert "worker" in patched(text, "apiVersion: v1alpha1\nkind: v1alpha1\n$patch: delete\n", V1_14)
