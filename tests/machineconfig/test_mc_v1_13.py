"""Talos v1.13 between its neighbours: what it has that v1.12 lacks, and what it lacks that v1.14 has."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.run import migrate
from talos_resources.machineconfig.patch.apply import patch_text
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.schema.table import document_type
from talos_resources.releases import RELEASES, known_release

V1_12, V1_13, V1_14 = RELEASES
WORKER: Final = 'machine: {type: worker, token: a, ca: {crt: Y3J0, key: ""}}\ncluster: {controlPlane: {endpoint: "https://a:6443"}}\n'
SINCE: Final = {
    "KubeSpanConfig\nenabled: false": "v1.13",
    "EnvironmentConfig\nvariables: {A: b}": "v1.13",
    "ImageVerificationConfig\nrules: []": "v1.13",
    "KubeletConfig\nimage: a": "v1.14",
    "SysctlConfig\nparams: {a: b}": "v1.14",
    "ResolverConfig\nhostDNS: {enabled: true}": "v1.14",
    "VolumeConfig\nname: EPHEMERAL\nmount: {secure: true}": "v1.14",
    "TimeSyncConfig\nntp: {useNTS: true}": "v1.14",
    "HostnameConfig\nauto: stable": "v1.12",
}
SECTIONS: Final = {
    "machine: {kubelet: {extraArgs: {a: [b, c]}}}": "v1.13",
    "machine: {network: {kubespan: {filters: {excludeAdvertisedNetworks: [10.0.0.0/8]}}}}": "v1.13",
    "cluster: {network: {cni: {name: flannel, flannel: {kubeNetworkPoliciesEnabled: true}}}}": "v1.13",
    "machine: {kubelet: {extraArgs: {a: b}}}": "v1.12",
}


def _verdicts(text: str, folder: Path) -> list[int]:
    file = folder / "c.yaml"
    file.write_text(text)
    return [main(["validate", str(file), "-m", "cloud", "--talos-version", str(release.contract)]) for release in RELEASES]


@pytest.mark.parametrize("document", SINCE)
def test_a_document_is_known_from_its_release_on(document: str, tmp_path: Path) -> None:
    since = known_release(SINCE[document])
    text = f"{WORKER}---\napiVersion: v1alpha1\nkind: {document}\n"
    assert _verdicts(text, tmp_path) == [int(RELEASES.index(release) < RELEASES.index(since)) for release in RELEASES]


@pytest.mark.parametrize("patch", SECTIONS)
def test_a_field_is_known_from_its_release_on(patch: str, tmp_path: Path) -> None:
    since = known_release(SECTIONS[patch])
    text = patch_text(WORKER, [parse_patch(patch)]).text
    assert _verdicts(text, tmp_path) == [int(RELEASES.index(release) < RELEASES.index(since)) for release in RELEASES]


def test_every_kind_of_a_release_is_in_its_table_and_no_field_leaves() -> None:
    for older, newer in itertools.pairwise(RELEASES):
        for kind in older.document_kinds | {"v1alpha1"}:
            before, now = document_type(kind, older), document_type(kind, newer)
            assert before is not None
            assert now is not None
            assert set(before.fields) <= set(now.fields), kind


def test_forwarding_to_a_resolver_that_is_off_is_refused_from_v1_13_on(tmp_path: Path) -> None:
    text = patch_text(WORKER, [parse_patch("machine: {features: {hostDNS: {enabled: false, forwardKubeDNSToHost: true}}}")]).text
    assert _verdicts(text, tmp_path) == [0, 1, 1]


@pytest.mark.parametrize(("release", "written"), [(V1_12, True), (V1_13, True), (V1_14, False)])
def test_an_unset_endpoint_is_written_as_null_before_v1_14(release: object, written: bool) -> None:
    assert isinstance(release, type(V1_13))
    text = "machine: {type: worker}\ncluster: {token: a}\n"
    patched = patch_text(text, [parse_patch("machine: {token: b}", release=release)], compat=release).text
    assert ("controlPlane: null" in patched) is written


def test_migrating_to_it_tells_what_it_cannot_say() -> None:
    config = MachineConfig.load(f"{WORKER}---\napiVersion: v1alpha1\nkind: VolumeConfig\nname: EPHEMERAL\nmount: {{secure: true}}\n")
    migration = migrate(config, to=V1_13)
    assert migration.lost == ("VolumeConfig/EPHEMERAL.mount",)
