"""Helm values, configuration patches and inline manifests for Cilium."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.cli.main import main
from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.codec.goyaml.read import load
from talos_resources.machineconfig.cilium.inline import InlineManifest, inline_yaml, make_inline
from talos_resources.machineconfig.cilium.patch import Method, cilium_patch
from talos_resources.machineconfig.cilium.values import helm_values, values_yaml
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.gen.bundle import Patches, make_configs
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import generate
from talos_resources.machineconfig.meaning.means import meaning
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, Contract
from tests.machineconfig.cilium.samples import CILIUM

DOCUMENT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: {}\n"


GUIDE = "1.11.2"


def test_the_guides_values() -> None:
    assert helm_values(cilium_version=GUIDE) == {"ipam": {"mode": "kubernetes"}}
    assert helm_values(strict=True, k8s_host="10.0.0.1", cilium_version=GUIDE) == {
        "ipam": {"mode": "kubernetes"},
        "kubeProxyReplacement": "strict",
        "k8sServiceHost": "10.0.0.1",
        "k8sServicePort": 6443,
    }
    assert helm_values(socket_fallback=False)["enableXTSocketFallback"] is False


def test_todays_values_ask_for_nothing_that_talos_refuses() -> None:
    values = helm_values()
    assert values["cgroup"] == {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"}
    every = [name for names in values["securityContext"]["capabilities"].values() for name in names]
    assert "NET_ADMIN" in every
    assert "SYS_MODULE" not in every


@pytest.mark.parametrize(
    ("version", "strict", "shared"),
    [
        ("1.11.2", "strict", None),
        ("1.13", "strict", "disabled"),
        ("v1.14.0", True, False),
        ("1.18.1", True, False),
        ("1.21.0-rc.1", True, False),
    ],
)
def test_each_chart_gets_its_own_word(version: str, strict: object, shared: object) -> None:
    assert helm_values(strict=True, cilium_version=version)["kubeProxyReplacement"] == strict
    assert helm_values(cilium_version=version).get("kubeProxyReplacement") == shared


@pytest.mark.parametrize("version", ["latest", "1", "1.x", "v1.18.", "1.18.1 ", "", "stable-1.18"])
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_no_version_of_the_chart_is_refused(version: str, strict: bool) -> None:
    with pytest.raises(ConfigError, match="is no version of the Cilium chart; write it as"):
        helm_values(strict=strict, cilium_version=version)


def test_the_api_is_at_kubeprism_unless_somebody_says_otherwise() -> None:
    def address(**arguments: Any) -> tuple[object, object]:
        values = helm_values(strict=True, **arguments)
        return values["k8sServiceHost"], values["k8sServicePort"]

    assert address() == ("localhost", 7445)
    assert address(kube_prism=7777) == ("localhost", 7777)
    assert address(k8s_host="localhost") == ("localhost", 7445)
    assert address(k8s_host="10.0.0.1") == ("10.0.0.1", 6443)
    assert address(k8s_host="10.0.0.1", k8s_port=443) == ("10.0.0.1", 443)
    with pytest.raises(ConfigError, match=r"needs --k8s-host here: KubePrism is off"):
        address(kube_prism=None)


def test_values_say_why_and_read_back() -> None:
    values = helm_values(strict=True, k8s_host="10.0.0.1", socket_fallback=False)
    text = values_yaml(values)
    assert load(text) == values
    assert text.count("# ") == len(values) - 1  # the port needs no reason of its own


@pytest.mark.parametrize("strict", [True, False])
def test_patches_of_all_methods_are_configurations(strict: bool) -> None:
    url = "https://server.yourdomain.tld/some/path/cilium.yaml"
    manifest, old = make_inline([("c", CILIUM)]), Contract(1, 12)
    patches = {
        "install": cilium_patch("install", strict=strict, contract=old),
        "template": cilium_patch("template", strict=strict, contract=old),
        "hosted": cilium_patch("hosted", strict=strict, urls=(url,), contract=old),
        "inline": cilium_patch("inline", strict=strict, manifest=manifest, contract=old),
    }
    for method, text in patches.items():
        config = MachineConfig.load(text)
        assert config.get("cluster.network.cni") == ({"name": "custom", "urls": [url]} if method == "hosted" else {"name": "none"})
        assert config.get("cluster.proxy.disabled") is (True if strict else None)
    assert MachineConfig.load(patches["inline"]).get("cluster.inlineManifests") == [{"name": "cilium", "contents": manifest.contents}]
    assert patches["inline"].startswith("# For control planes only")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("method", ["install", "template", "hosted", "inline"])
def test_both_forms_of_a_patch_make_the_same_configuration(method: Method, strict: bool) -> None:
    bundle = generate(now=datetime(2026, 11, 23, tzinfo=UTC), contract=Contract(1, 6))
    options = GenOptions(cluster_name="c", endpoint="https://c.example:6443")
    made = []
    for contract in (Contract(1, 12), CURRENT):
        text = cilium_patch(
            method, strict=strict, urls=("https://a.example/cilium.yaml",), manifest=make_inline([("c", CILIUM)]), contract=contract
        )
        made.append(make_configs(options, bundle, patches=Patches(control_plane=(parse_patch(text),))).control_plane)
    old, new = (meaning(MachineConfig.load(text)) for text in made)
    if strict:
        old, new = ({**one, "kube-proxy": one["kube-proxy"]["enabled"]} for one in (old, new))
    assert old == new


@pytest.mark.parametrize("url", ["cilium.yaml", "ftp://a/b", "https://", "https://[x"])
def test_hosted_needs_urls(url: str) -> None:
    with pytest.raises(ConfigError, match="is no URL of a manifest"):
        cilium_patch("hosted", urls=(url,))
    with pytest.raises(ConfigError, match="needs the URL"):
        cilium_patch("hosted")


def test_the_manifest_keeps_every_line() -> None:
    made = make_inline([("c", CILIUM)])
    assert made.contents == CILIUM.removeprefix("---\n")
    assert made.notes == ()


def test_several_files_become_one_in_order() -> None:
    made = make_inline([("a", DOCUMENT.format("default")), ("b", "\n\n" + CILIUM)])
    assert made.contents == DOCUMENT.format("default") + CILIUM


def test_windows_line_ends_and_marks_go() -> None:
    assert make_inline([("c", "\ufeff" + CILIUM.replace("\n", "\r\n"))]).contents == CILIUM.removeprefix("---\n")


def test_a_missing_namespace_is_added_first() -> None:
    made = make_inline([("c", DOCUMENT.format("cilium"))])
    assert made.contents == "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: cilium\n---\n" + DOCUMENT.format("cilium")
    assert made.notes == ("the namespace cilium is put first: the manifest does not declare it",)


def test_a_late_namespace_is_moved_first() -> None:
    namespace = "# theirs\napiVersion: v1\nkind: Namespace\nmetadata: {name: cilium}\n"
    made = make_inline([("c", f"{DOCUMENT.format('cilium')}---\n{namespace}---\n{DOCUMENT.format('default')}")])
    assert made.contents == f"{namespace}---\n{DOCUMENT.format('cilium')}---\n{DOCUMENT.format('default')}"
    assert make_inline([("c", made.contents)]).contents == made.contents


@pytest.mark.parametrize("namespace", ["kube-system", "default", '""'])
def test_namespaces_that_are_always_there_are_not_added(namespace: str) -> None:
    assert make_inline([("c", DOCUMENT.format(namespace))]).notes == ()


def test_two_dashes_become_three() -> None:
    made = make_inline([("c", f"--\n{DOCUMENT.format('default')}--\n{DOCUMENT.format('default')}")])
    assert made.contents == f"{DOCUMENT.format('default')}---\n{DOCUMENT.format('default')}"
    assert made.notes == (
        "c:1: two dashes between documents are written as three",
        "c:7: two dashes between documents are written as three",
    )


@pytest.mark.parametrize(
    ("text", "words"), [("", "no Kubernetes resource in c"), ("# x\n", "no Kubernetes resource"), ("a: [\n", "c:2: not YAML")]
)
def test_what_is_no_manifest_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_inline([("c", text)])


lines = st.text(st.sampled_from(" \tab:#-|>'\"%\u00a0é\U0001f600\x85\u2028\x00\x7f\ufeff"), max_size=6)


@settings(max_examples=200)
@given(st.lists(lines, min_size=1, max_size=6), st.sampled_from(["", "\n", "\n\n"]))
def test_every_text_survives_the_block(parts: list[str], end: str) -> None:
    text = "\n".join(parts) + end
    written = "cluster:\n" + inline_yaml([InlineManifest(name="yes", contents=text)])
    (root,) = compose_all(written)
    (manifests,) = [value for key, value in root.value[0][1].pairs if key.text == "inlineManifests"]
    found = manifests.items[0].get("contents")
    assert found is not None
    assert found.text == text


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cilium.yaml").write_text(CILIUM)
    assert main(["cilium", "inline", "cilium.yaml", "--name", "net"]) == 0
    patch = capsys.readouterr().out
    assert MachineConfig.load(patch).find("KubeInlineManifestConfig", "net") is not None
    assert main(["cilium", "inline", "cilium.yaml", "--name", "net", "--talos-version", "v1.12"]) == 0
    assert MachineConfig.load(capsys.readouterr().out).get("cluster.inlineManifests")[0]["name"] == "net"
    assert main(["cilium", "inline", "cilium.yaml", "--name", "Not_That"]) == 1
    assert "cannot be the name of a KubeInlineManifestConfig" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CILIUM.encode())))
    assert main(["cilium", "inline", "-", "--name", "net"]) == 0
    assert capsys.readouterr().out == patch
    assert main(["cilium", "values", "--strict", "--cilium-version", "latest"]) == 1
    assert "is no version of the Cilium chart" in capsys.readouterr().err
    assert main(["cilium", "patch", "--method", "hosted", "https://server.yourdomain.tld/c.yaml"]) == 0
    captured = capsys.readouterr()
    assert "looks public" in captured.err
    assert captured.out.count("$patch: delete") == 1
    assert "url: https://server.yourdomain.tld/c.yaml" in captured.out
    assert main(["cilium", "patch", "--method", "inline", "cilium.yaml", "--strict", "--talos-version", "v1.11"]) == 0
    assert MachineConfig.load(capsys.readouterr().out).get("cluster.proxy.disabled") is True
    assert main(["cilium", "patch", "cilium.yaml"]) == 1
    assert "takes no URL and no file" in capsys.readouterr().err


def test_values_look_at_the_configuration_that_they_are_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cp.yaml"
    prism = "machine: {type: controlplane, features: {kubePrism: {enabled: true, port: 7777}}}\n"
    path.write_text(prism)
    assert main(["cilium", "values", "--strict", "--for", str(path)]) == 0
    assert "k8sServicePort: 7777" in capsys.readouterr().out
    path.write_text("machine: {type: controlplane}\n---\napiVersion: v1alpha1\nkind: KubePrismConfig\nport: 7778\n")
    assert main(["cilium", "values", "--strict", "--for", str(path)]) == 0
    assert "k8sServicePort: 7778" in capsys.readouterr().out
    path.write_text(prism.replace("enabled: true", "enabled: false"))
    assert main(["cilium", "values", "--strict", "--for", str(path)]) == 1
    assert "KubePrism is off" in capsys.readouterr().err
    assert main(["cilium", "values", "--strict", "--talos-version", "v1.5"]) == 1
    assert main(["cilium", "values", "--strict", "--talos-version", "v1.6"]) == 0
    assert main(["cilium", "values", "--for", str(path), "--talos-version", "v1.6"]) == 2


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--strict", "--k8s-port", "70000"], "70000 is no port"),
        (["--strict", "--k8s-port", "0"], "0 is no port"),
        (["--strict", "--k8s-host", " "], "is no host"),
        (["--strict", "--k8s-host", ""], "is no host"),
        (["--strict", "--k8s-host", "https://10.0.0.1:6443"], "is no host"),
        (["--strict", "--k8s-host", "10.0.0.1:6443"], "is no host"),
        (["--strict", "--k8s-host", "10.0.0.300"], "is no host"),
        (["--cilium-version", ""], "is no version"),
        (["--k8s-host", "10.0.0.1"], "go with --strict"),
        (["--k8s-port", "6443"], "go with --strict"),
    ],
)
def test_values_that_no_agent_could_use_are_refused(arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cilium", "values", *arguments]) == 1
    captured = capsys.readouterr()
    assert fault in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("host", ["api.example", "localhost", "10.0.0.1", "fd00::1", "a-b.example."])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert helm_values(strict=True, k8s_host=host)["k8sServiceHost"] == host
