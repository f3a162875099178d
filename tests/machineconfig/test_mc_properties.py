"""What holds for every patch, every string and every comment."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talos_resources.codec.goyaml import v2
from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.fragments import flow
from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.codec.goyaml.read import load
from talos_resources.codec.goyaml.values import same, value_of
from talos_resources.machineconfig.comments import patch_in_place
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.patch.apply import patch_config, patch_text
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.patch.strategic import merge
from tests.machineconfig.samples import COMMENTED, documents

FEW = settings(max_examples=80, deadline=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    st.sampled_from(" \n\t\r:#-'\"\\|>&*!%@`{}[],?~a0xe.+_=<\u2028\u2029\x85\ufeff\U0001f600"), max_size=12
)
keys = st.text(st.sampled_from("ab1-_/.~ é"), max_size=6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@FEW
@given(texts)
@example("<<")
def test_every_string_survives_emit_and_parse(text: str) -> None:
    for value in (text, [text], {text: text}, {"a": [{"b": text}]}, [[text]]):
        assert load(dump(value)) == value
        (node,) = compose_all(v2.dump(value))
        assert value_of(node, v2=True) == value
        assert load(flow(value)) == value


@FEW
@given(st.text(st.sampled_from("word \\\"'x\u65e5:"), min_size=70, max_size=400))
def test_folded_lines_read_back(text: str) -> None:
    (node,) = compose_all(v2.dump({"key": text, "list": [text]}))
    assert value_of(node, v2=True) == {"key": text, "list": [text]}


@FEW
@given(plain, plain)
def test_a_json_patch_and_its_inverse_change_nothing(one: Any, other: Any) -> None:
    before, after = {"x": one}, {"x": other}
    there = JsonPatch(tuple(jsonpatch.make_patch(before, after).patch))
    back = JsonPatch(tuple(jsonpatch.make_patch(after, before).patch))
    assert back.apply(there.apply(copy.deepcopy(before))) == before


@FEW
@given(documents())
def test_an_empty_patch_changes_nothing(document: Document) -> None:
    config = MachineConfig.of([document])
    empty = [line for line in ("apiVersion", "kind", "name") if line in document.fields]
    text = dump({key: document.fields[key] for key in empty}) if empty else "machine: {}\n"
    if "machine" not in document.fields and not empty:
        text = "cluster: {}\n" if "cluster" in document.fields else "debug: null\n"
    patched, notes = patch_config(config, [parse_patch(text)])
    assert patched.text() == config.text()
    assert notes == ()
    assert merge(document.type, document.fields, {}) == document.fields


@FEW
@given(documents())
def test_what_is_written_reads_back(document: Document) -> None:
    config = MachineConfig.of([document])
    assert MachineConfig.load(config.text()).text() == config.text()


@FEW
@given(documents(), documents())
def test_merging_leaves_both_sides_alone(left: Document, right: Document) -> None:
    if left.kind != right.kind:
        return
    before = copy.deepcopy((left.fields, right.fields))
    merge(left.type, left.fields, right.fields)
    assert (left.fields, right.fields) == before


@FEW
@given(
    st.lists(
        st.sampled_from(
            [
                "machine: {type: controlplane}",
                "machine: {nodeLabels: {a: {$patch: delete}}}",
                "machine: {nodeLabels: {new: 'yes', 'x/y': \"1\"}}",
                "machine: {network: {interfaces: [{interface: eth0, mtu: 9000}, {interface: eth9, dhcp: true}]}}",
                "machine: {network: {interfaces: [{interface: eth1, $patch: delete}]}}",
                "machine: {network: {kubespan: {enabled: true, filters: {endpoints: ['::/0']}}}}",
                "machine: {kubelet: {extraArgs: {v: '4'}}}",
                "machine: {certSANs: [a.example.org]}",
                'cluster: {inlineManifests: [{name: b, contents: "a: b\\nc: |\\n  d\\n"}]}',
                "cluster: {network: {cni: {name: none}, podSubnets: [10.0.0.0/8]}}",
                "cluster: {controlPlane: {$patch: delete}}",
                "apiVersion: v1alpha1\nkind: HostnameConfig\nauto: off\nhostname: n1",
                "apiVersion: v1alpha1\nkind: KubeSpanEndpointsConfig\nextraAnnouncedEndpoints: ['10.0.0.1:51820']",
                '[{"op": "add", "path": "/machine/sysctls", "value": {"a": "1", "b": "two\\nlines\\n"}}]',
                '[{"op": "replace", "path": "/machine/install/disk", "value": "/dev/vda"}]',
                '[{"op": "remove", "path": "/machine/certSANs"}]',
            ]
        ),
        max_size=4,
        unique=True,
    )
)
def test_comments_and_untouched_lines_survive(patches: list[str]) -> None:
    steps = [parse_patch(patch) for patch in patches]
    kept = patch_in_place(COMMENTED, steps).text
    plainly = patch_text(COMMENTED, steps).text
    # The same meaning as without comments, and every marked line is there, in its order.
    assert same(*(MachineConfig.load(MachineConfig.load(text).text()).text() for text in (kept, plainly)))
    lines = kept.splitlines()
    marked = [line for line in COMMENTED.splitlines() if line.endswith("# stays")]
    assert [line for line in lines if line.endswith("# stays")] == marked


def test_nothing_to_patch_leaves_every_byte() -> None:
    for patch in ("machine: {}\n", "[]", '[{"op": "test", "path": "/machine/type", "value": "worker"}]'):
        assert patch_in_place(COMMENTED, [parse_patch(patch)]).text == COMMENTED
