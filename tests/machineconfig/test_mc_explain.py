"""`validate --explain`: what Talos accepts and hardly anybody means."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.explain import explain, nearest_keys
from talos_resources.machineconfig.migrate.run import migrate
from talos_resources.machineconfig.validate import validate
from talos_resources.model.errors import DecodeError

WHOLE = """\
machine:
  type: worker
  install: {disk: /dev/sda}
  certSANs: [a.example, b.example]
  network:
    interfaces: [{interface: eth0, addresses: [10.0.0.1/24], routes: [{network: 0.0.0.0/0, gateway: 10.0.0.254}]}]
    kubespan: {enabled: true, filters: {endpoints: ["0.0.0.0/0", "!10.0.0.0/8"]}}
cluster: {id: a, secret: b, controlPlane: {endpoint: "https://a:6443"}, discovery: {enabled: true}}
"""


def rules(text: str) -> list[str]:
    return [finding.rule for finding in explain(MachineConfig.load(text), source="f")]


def test_a_healthy_one_is_clean() -> None:
    assert rules(WHOLE) == []


def test_filters_that_only_exclude_announce_nothing() -> None:
    text = WHOLE.replace('"0.0.0.0/0", ', "")
    config = MachineConfig.load(text)
    for form in (config, migrate(config).config):
        (finding,) = explain(form, source="f")
        assert finding.rule == "only-exclusions"
        assert "advertises no endpoint" in finding.title
        assert finding.evidence[0].endswith("filters.endpoints: !10.0.0.0/8")
    assert rules(text.replace('["!10.0.0.0/8"]', "[]")) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[a.example, b.example]", "[a.example, b.example, a.example]", 'machine.certSANs holds "a.example" twice'),
        ("[10.0.0.1/24]", "[10.0.0.1/24, 10.0.0.1/24]", 'machine.network.interfaces[0].addresses holds "10.0.0.1/24" twice'),
        (
            "[{network: 0.0.0.0/0, gateway: 10.0.0.254}]",
            "[{network: 0.0.0.0/0, gateway: 10.0.0.254}, {network: 0.0.0.0/0, gateway: 10.0.0.254}]",
            "routes holds network 0.0.0.0/0 twice",
        ),
        (
            "cluster: {",
            "cluster: {apiServer: {admissionControl: [{name: PodSecurity, configuration: {exemptions: {namespaces: [a, a]}}}]}, ",
            'exemptions.namespaces holds "a" twice',
        ),
    ],
)
def test_what_stands_twice_in_a_list_comes_of_a_patch_that_was_applied_twice(old: str, new: str, words: str) -> None:
    assert old in WHOLE
    (finding,) = explain(MachineConfig.load(WHOLE.replace(old, new)), source="f")
    assert finding.rule == "twice"
    assert words in finding.title


def test_arguments_may_be_given_twice() -> None:
    assert rules("machine: {type: worker, install: {extraKernelArgs: [a, a]}}\n") == []


def test_no_secret_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    key = "-----BEGIN PRIVATE KEY-----\\nabc\\n"
    path.write_text(f'machine: {{type: worker, certSANs: ["{key}", "{key}"]}}\ncluster: {{}}\n')
    main(["validate", str(path), "--mode", "cloud", "--explain"])
    captured = capsys.readouterr()
    assert "certSANs holds one text twice" in captured.err
    assert "PRIVATE" not in captured.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "machine: {type: worker, kubespan: {enabled: true}}",
            "machine.kubespan is no key that Talos knows; did you mean machine.network.kubespan?",
        ),
        ("machine: {type: worker, nodeLabel: {a: b}}", "machine.nodeLabel is no key that Talos knows; did you mean machine.nodeLabels?"),
        ("machine: {type: worker}\ncluster: {cni: {name: none}}", "did you mean cluster.network.cni?"),
    ],
)
def test_a_key_in_the_wrong_place_gets_the_nearest_one(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert main(["validate", str(path), "--mode", "cloud", "--explain"]) == 1
    assert words in capsys.readouterr().err


def test_a_kind_that_an_older_talos_does_not_know_is_named_with_the_version_that_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("machine: {type: worker}\n---\napiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n")
    assert main(["validate", str(path), "--mode", "cloud", "--explain", "--talos-version", "v1.12"]) == 1
    assert "Talos v1.12 does not know it, v1.13 does" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["v1.9", "v1.12", "v1.13", "v1.14"])
def test_there_is_nothing_to_explain_in_what_was_generated(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["gen", "config", "lab", "https://10.0.0.1:6443", "--talos-version", version]) == 0
    capsys.readouterr()
    assert main(["validate", "worker.yaml", "--mode", "metal", "--explain", "--talos-version", version]) == 0
    assert "worker.yaml is valid for metal mode" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            "kind: KubeSpanConfig\nenabledd: true",
            "KubeSpanConfig.enabledd is no key that Talos knows; did you mean KubeSpanConfig.enabled?",
        ),
        ("kind: KubeSpanConfig\nfilters: {endpoint: []}", "did you mean KubeSpanConfig.filters.endpoints?"),
        ("kind: KubeletConfig\nregisterWithFQDN: true", "did you mean KubeNodeConfig.registerWithFQDN?"),
        ("kind: VLANConfig\nname: a\nvlanId: 1", "VLANConfig/a.vlanId is no key that Talos knows; did you mean VLANConfig/a.vlanID?"),
    ],
)
def test_the_nearest_key_of_a_document_is_looked_for_there_first(document: str, told: str) -> None:
    with pytest.raises(DecodeError) as caught:
        MachineConfig.load(f"apiVersion: v1alpha1\n{document}\n")
    (line,) = nearest_keys(caught.value)
    assert told in line


@pytest.mark.parametrize(("kind", "near"), [("KubespanConfig", "KubeSpanConfig"), ("KubeletConfigs", "KubeletConfig"), ("Nothing", "")])
def test_the_nearest_kind_is_named(kind: str, near: str) -> None:
    with pytest.raises(DecodeError, match="no kind of document") as caught:
        MachineConfig.load(f"apiVersion: v1alpha1\nkind: {kind}\n")
    assert (f"did you mean {near}?" in str(caught.value)) is bool(near)


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ("{process: 5}", "process: a number where a mapping belongs"),
        (
            "{process: {rlimits: [{type: RLIMIT_NOFILE, hard: -1}]}}",
            "process.rlimits[0].hard: a number where a whole number from 0 on belongs",
        ),
        ("{process: {env: a}}", "process.env: text where a list belongs"),
        ("{linux: {sysctl: {a: 1}}}", "linux.sysctl.a: a number where text belongs"),
        ("{linux: {resources: {memory: {limit: 1.5}}}}", "linux.resources.memory.limit: a number where a whole number belongs"),
        ("{root: {readonly: 'true'}}", "root.readonly: text where true or false belongs"),
        ("{process: {rlimits: [{type: RLIMIT_NOFILE, hard: 1024, soft: 1024}], noNewPrivileges: true}, x: 1}", ""),
    ],
)
def test_overrides_of_the_runtime_specification_are_checked_to_their_leaves(overrides: str, fault: str) -> None:
    config = MachineConfig.load(f"apiVersion: v1alpha1\nkind: CRIBaseRuntimeSpecConfig\noverrides: {overrides}\n")
    errors = [str(error) for error in validate(config, "cloud").errors]
    assert bool(errors) is bool(fault)
    assert not fault or fault in errors[0]
