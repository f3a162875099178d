"""Patches: loading them, the merge rules, JSON patches for several documents, the command line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.comments import patch_in_place
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.patch.apply import SEVERAL_DOCUMENTS, patch_text
from talos_resources.machineconfig.patch.load import StrategicPatch, load_patch, parse_patch
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch, PatchError
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import known_release
from tests.machineconfig.patching import BASE, V1_12, V1_13, V1_14, merged

SEVERAL = BASE + "---\napiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n"


@pytest.mark.parametrize(
    ("patch", "path", "value"),
    [
        ("machine: {type: ''}", "machine.type", "worker"),
        ("machine: {network: {kubespan: {enabled: false}}}", "machine.network.kubespan.enabled", False),
        ("machine: {network: {kubespan: {mtu: 0}}}", "machine.network.kubespan.mtu", 0),
        ("machine: {network: {kubespan: {mtu: ~}}}", "machine.network.kubespan.mtu", 1400),
        ("machine: {network: {kubespan: {filters: {endpoints: []}}}}", "machine.network.kubespan.filters.endpoints", []),
        ("cluster: {controlPlane: {endpoint: 'https://a:1'}}", "cluster.controlPlane.endpoint", "https://a:1"),
        ("machine: {network: {$patch: delete}}", "machine.network", None),
    ],
)
def test_merge_rules(patch: str, path: str, value: object) -> None:
    assert merged(BASE, patch).get(path) == value


def test_endpoints_merge_by_their_parts() -> None:
    one = merged("cluster: {controlPlane: {endpoint: 'https://a:1/path?q'}}", "cluster: {controlPlane: {endpoint: 'https://b:2'}}")
    assert one.get("cluster.controlPlane.endpoint") == "https://b:2/path?q"


def test_lists_by_identity_and_lists_that_are_replaced() -> None:
    config = merged(
        "machine: {network: {interfaces: [{interface: eth0, vlans: [{vlanId: 1, mtu: 1500}]}]}}\n"
        "cluster: {apiServer: {admissionControl: [{name: A, configuration: {x: [1]}}], auditPolicy: {rules: [1]}}}\n",
        "machine: {network: {interfaces: [{interface: eth0, vlans: [{vlanId: 1, dhcp: true}, {vlanId: 2}]}]}}\n"
        "cluster: {apiServer: {admissionControl: [{name: A, configuration: {x: [2], y: 1}}, {name: B}], auditPolicy: {rules: [2]}}}\n",
    )
    assert config.get("machine.network.interfaces") == [
        {"interface": "eth0", "vlans": [{"vlanId": 1, "mtu": 1500, "dhcp": True}, {"vlanId": 2}]}
    ]
    assert config.get("cluster.apiServer.admissionControl") == [{"name": "A", "configuration": {"x": [1, 2], "y": 1}}, {"name": "B"}]
    assert config.get("cluster.apiServer.auditPolicy") == {"rules": [2]}


def test_free_form_values_of_different_types_are_refused_with_their_path() -> None:
    with pytest.raises(ConfigError, match=r"machine\.kubelet\.extraConfig\.a\.b: a mapping cannot be merged with a text"):
        merged("machine: {kubelet: {extraConfig: {a: {b: {c: 1}}}}}", "machine: {kubelet: {extraConfig: {a: {b: x}}}}")


def test_a_patch_may_name_a_document_several_times_since_v1_14() -> None:
    text = "machine: {certSANs: [a]}\n---\nmachine: {certSANs: [b]}\n"
    assert merged("machine: {type: worker}\n", text).get("machine.certSANs") == ["a", "b"]
    for release in (V1_12, V1_13):
        with pytest.raises(DecodeError, match="a second document v1alpha1"):
            parse_patch(text, release=release)
    again = "apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n---\napiVersion: v1alpha1\nkind: HostnameConfig\nauto: off\n"
    config = merged("apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: x\n", again)
    assert config.get("auto", kind="HostnameConfig") == "off"
    assert config.get("hostname", kind="HostnameConfig") is None


def test_arguments_are_replaced_as_a_whole_and_keep_their_text() -> None:
    old = "machine: {kubelet: {extraArgs: {a: [x, y], b: '1', c: z, d: d}}}\n"
    config = merged(old, "machine: {kubelet: {extraArgs: {a: 0x1f, b: [on, ~], c: ~}}}\n")
    assert config.get("machine.kubelet.extraArgs") == {"a": "0x1f", "b": ["on", ""], "c": "", "d": "d"}
    assert 'a: "0x1f"\n' in config.text()
    assert "c: null\n" in config.text()
    for value in ("{a: b}", "[[a]]", "2001-01-01"):
        with pytest.raises(DecodeError):
            parse_patch(f"machine: {{kubelet: {{extraArgs: {{a: {value}}}}}}}\n")


def test_rules_of_image_verification_are_replaced_by_their_image() -> None:
    head = "apiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules:\n"
    config = merged(
        head + "- {image: a, deny: true}\n- {image: b, skip: true}\n", head + "- {image: a, skip: true}\n- {image: c, deny: true}\n"
    )
    assert config.get("rules", kind="ImageVerificationConfig") == [
        {"image": "a", "skip": True},
        {"image": "b", "skip": True},
        {"image": "c", "deny": True},
    ]


@pytest.mark.parametrize(
    ("one", "other", "fault"),
    [
        ("VLANConfig\nname: x", "BondConfig\nname: x", "conflicting documents: VLANConfig/x and BondConfig/x"),
        ("VethConfig\nname: a\npeer: {name: b}", "DummyLinkConfig\nname: b", 'VethConfig/a and DummyLinkConfig/b both configure "b"'),
        ("DummyLinkConfig\nname: b", "VethConfig\nname: a\npeer: {name: b}", 'DummyLinkConfig/b and VethConfig/a both configure "b"'),
        ("UserVolumeConfig\nname: x", "ExistingVolumeConfig\nname: x", "conflicting documents"),
        ("Layer2VIPConfig\nname: 10.0.0.1", "HCloudVIPConfig\nname: 10.0.0.1", "conflicting documents"),
    ],
)
def test_documents_that_claim_one_thing_are_refused(one: str, other: str, fault: str) -> None:
    first, second = (f"apiVersion: v1alpha1\nkind: {text}\n" for text in (one, other))
    with pytest.raises(ConfigError, match=fault):
        MachineConfig.load(f"{first}---\n{second}")
    with pytest.raises(ConfigError, match=fault):
        merged(first, second)


def test_an_empty_second_document_counts_for_talosctl() -> None:
    add = parse_patch('[{"op": "add", "path": "/machine/token", "value": "a"}]')
    text = "machine: {type: worker}\n---\n"
    assert "token: a" in patch_text(text, [add]).text
    with pytest.raises(ConfigError, match="several documents"):
        patch_text(text, [add], compat=V1_14)


def test_what_follows_a_json_patch_is_not_read() -> None:
    patch = parse_patch('[{"op": "add", "path": "/machine/token", "value": "a"}]\n---\nmachine: [\n')
    assert isinstance(patch, JsonPatch)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ('{"op": "copy", "from": "/l/1", "path": "/l/-"}', "there is no position 1"),
        ('{"op": "test", "path": "/l/1", "value": null}', "there is no position 1"),
        ('{"op": "test", "path": "/a/b", "value": null}', "there is no collection at /a"),
        ('{"op": "replace", "path": "", "value": 1}', "can only be replaced by a mapping or a list"),
    ],
)
def test_json_operations_that_do_not_apply(operation: str, fault: str) -> None:
    with pytest.raises(PatchError, match=fault):
        patch_text("l: [1]\n", [parse_patch(f"[{operation}]")])


def test_a_missing_key_is_null_to_copy_and_test() -> None:
    patch = parse_patch('[{"op": "test", "path": "/k", "value": null}, {"op": "copy", "from": "/k", "path": "/l/-"}]')
    assert patch_text("l: [1]\n", [patch]).text == "l:\n- 1\n- null\n"


def test_a_json_patch_applies_to_the_main_document_unless_talosctl_is_asked_for() -> None:
    patch = parse_patch('[{"op": "add", "path": "/cluster/proxy", "value": {"disabled": true}}]')
    patched = patch_text(SEVERAL, [patch])
    assert patched.notes == (SEVERAL_DOCUMENTS,)
    config = MachineConfig.load(patched.text)
    assert config.get("cluster.proxy.disabled") is True
    assert config.get("auto", kind="HostnameConfig") == "stable"
    for function in (patch_text, patch_in_place):
        with pytest.raises(ConfigError, match="not supported for a configuration of several documents"):
            function(SEVERAL, [patch], compat=known_release("v1.12"))
    with pytest.raises(DecodeError, match="unknown key"):
        patch_text(SEVERAL, [parse_patch('[{"op": "add", "path": "/machine/nope", "value": 1}]')])


def test_a_failed_json_patch_says_which_operation_and_leaves_the_text() -> None:
    patch = parse_patch('[{"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "/machine/nope"}]')
    with pytest.raises(PatchError, match=r"operation 2 \(remove /machine/nope\): there is nothing") as caught:
        patch_text(BASE, [patch])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.operation, str(again)) == (2, str(caught.value))


def test_one_patch_may_be_applied_to_several_configurations() -> None:
    patch = parse_patch('[{"op":"add","path":"/x","value":{"list":[]}},{"op":"add","path":"/x/list/-","value":1}]')
    assert patch_text("a: 1\n", [patch]).text == patch_text("a: 1\n", [patch]).text == "a: 1\nx:\n  list:\n  - 1\n"


def test_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("patch.json").write_text('[{"op": "test", "path": "/a", "value": null}]')
    Path("patch.yaml").write_text("machine: {}\n")
    for argument in ("@patch.json", "patch.json"):
        assert isinstance(load_patch(argument), JsonPatch)
    for argument in ("@patch.yaml", "patch.yaml", "machine: {}", '{"machine": {}}', "machine:\n  type: worker\n"):
        assert isinstance(load_patch(argument), StrategicPatch)
    for argument in ("[]", "[{'op': 'test', 'path': '/a',},]", " ", "# nothing\n", "null\n"):
        assert isinstance(load_patch(argument), JsonPatch)
    for argument, reason in [
        ("[{", "not a JSON patch"),
        ("{}", "there is no document"),
        ("", "an empty patch"),
        ("a b", "mapping"),
        ('[{"op": "add", "path": "/x", "value": "\\udbff"}]', "half of a character"),
    ]:
        with pytest.raises((ConfigError, DecodeError), match=reason):
            load_patch(argument)
    with pytest.raises(FileNotFoundError):
        load_patch("@nope.yaml")


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("# mine\n" + SEVERAL)
    operations = '[{"op": "replace", "path": "/machine/type", "value": "controlplane"}]'
    assert main(["machineconfig", "patch", "c.yaml", "-p", operations, "--keep-comments", "-o", "new/c.yaml"]) == 0
    assert Path("new/c.yaml").read_text() == "# mine\n" + SEVERAL.replace("worker", "controlplane")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"note: {SEVERAL_DOCUMENTS}\n"
    assert main(["mc", "patch", "nope.yaml", "-p", "machine: {}"]) == 1
    assert main(["mc", "patch", "c.yaml", "-p", "machine: {typ: x}"]) == 1
    assert capsys.readouterr().err == "error: cannot read nope.yaml: No such file or directory\nerror: patch:1: machine.typ: unknown key\n"


def test_what_an_anchor_shares_is_not_patched_in_place() -> None:
    text = "machine:\n  nodeLabels: &l {a: b}\n  nodeAnnotations: *l\n"
    patch = parse_patch("machine: {nodeLabels: {c: d}}")
    with pytest.raises(ConfigError, match="cannot be patched in place"):
        patch_in_place(text, [patch])
    assert MachineConfig.load(patch_text(text, [patch]).text).get("machine.nodeAnnotations") == {"a": "b"}


def test_a_main_document_that_loses_everything_stays_one() -> None:
    text = "# head\nmachine: # the machine\n  type: worker\n"
    kept = patch_in_place(text, [parse_patch("machine: {$patch: delete}")]).text
    assert kept.startswith("# head\nmachine:")
    assert MachineConfig.load(kept).text() == MachineConfig.load("machine: ~\n").text()


def test_a_text_with_many_newlines_does_not_take_the_blank_lines_behind_it() -> None:
    text = "machine:\n  type: worker\n\n# end\n"
    kept = patch_in_place(text, [parse_patch('machine: {nodeAnnotations: {a: "x\\ny\\n\\n"}}')]).text
    assert MachineConfig.load(kept).get("machine.nodeAnnotations.a") == "x\ny\n\n"
    assert kept.endswith("\n\n# end\n")


def test_null_and_dates_in_free_form_parts_are_refused_where_talos_breaks_off() -> None:
    with pytest.raises(ConfigError, match=r"machine\.kubelet\.extraConfig\.a: null cannot stand for what is there"):
        merged("machine: {kubelet: {extraConfig: {a: {b: 1}}}}\n", "machine: {kubelet: {extraConfig: {a: ~}}}\n")
    for inner, what in (("b: 2026-01-01", "date"), ("1: c", "key that is no text")):
        text = f"machine: {{kubelet: {{extraConfig: {{a: [{{{inner}}}]}}}}}}\n"
        for compat in (None, V1_12):
            with pytest.raises(
                ConfigError, match=rf"v1alpha1: machine\.kubelet\.extraConfig\.a\[0\]\.{inner[0]}: Talos cannot copy a {what}"
            ):
                patch_text(text, [parse_patch("machine: {}\n")], compat=compat)
    shared = "machine: {baseRuntimeSpecOverrides: {a: {1: c}}}\n"
    assert "1: c" in patch_text(shared, [parse_patch("machine: {}\n")]).text
