"""`cilium check`: each fault is found, and a healthy set is clean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.cilium.check import RULES, check
from talos_resources.machineconfig.cilium.subject import read_subject
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.model.finding import Severity
from tests.machineconfig.cilium.samples import CILIUM, WORKER, control_plane, findings, rules

NO_NAMESPACE = CILIUM.replace("namespace: kube-system", "namespace: cilium")
NAMESPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: cilium\n"
HOSTED = (
    "machine:\n  type: controlplane\ncluster:\n  network:\n    cni:\n      name: custom\n      urls: [URL]\n  proxy:\n    disabled: true\n"
)


def hosted(url: str) -> str:
    return HOSTED.replace("URL", f'"{url}"')


def test_a_healthy_set_is_clean() -> None:
    assert rules(control_plane(), control_plane(), WORKER) == []
    assert rules(NAMESPACE + NO_NAMESPACE, control_plane(NAMESPACE + NO_NAMESPACE)) == []
    assert rules(CILIUM, hosted("https://10.0.0.9/cilium.yaml")) == []


def test_an_inline_manifest_gets_the_note_about_updates() -> None:
    subject = read_subject([("cp.yaml", control_plane())])
    (note,) = check(subject)
    assert (note.rule, note.severity) == ("only-created", Severity.NOTE)
    assert "talosctl upgrade-k8s" in note.advice
    assert check(read_subject([("worker.yaml", WORKER)])) == ()


@pytest.mark.parametrize("url", ["https://server.yourdomain.tld/some/path/cilium.yaml", "http://8.8.8.8/cilium.yaml"])
def test_keys_behind_a_public_url(url: str) -> None:
    (finding,) = findings(CILIUM, hosted(url))
    assert (finding.rule, finding.severity) == ("public-key-material", Severity.ERROR)
    assert finding.evidence == ("f0:9: Secret kube-system/hubble-server-certs has tls.key",)
    assert finding.guide == "Deploying Cilium CNI, method 3"


def test_a_public_url_alone_is_a_warning() -> None:
    (finding,) = findings(hosted("https://server.yourdomain.tld/cilium.yaml"))
    assert (finding.rule, finding.severity, finding.evidence) == ("public-key-material", Severity.WARNING, ())


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.9/c.yaml", "https://[fd00::1]/c.yaml", "https://files/c.yaml", "https://files.corp/c.yaml", "http://127.0.0.1/c"],
)
def test_a_private_url_is_fine(url: str) -> None:
    assert rules(CILIUM, hosted(url)) == []


def test_an_inline_manifest_on_a_worker() -> None:
    (finding,) = findings(control_plane().replace("type: controlplane", "type: worker"))
    assert (finding.rule, finding.severity) == ("inline-on-worker", Severity.WARNING)
    assert finding.title == 'f0 carries the inline manifest "cilium", but is a worker'


def test_control_planes_that_differ() -> None:
    other = control_plane(CILIUM.replace('"10.0.0.1"', '"10.0.0.2"'))
    (finding,) = findings(control_plane(), other, WORKER)
    assert finding.rule == "control-planes-differ"
    assert finding.evidence == ('inline manifest "cilium" differs from line 41 on',)


def test_control_planes_of_which_one_has_no_manifest() -> None:
    bare = "machine: {type: controlplane}\ncluster: {network: {cni: {name: none}}}\n"
    found = findings(control_plane(), bare, strict=None)
    (finding,) = [finding for finding in found if finding.rule == "control-planes-differ"]
    assert finding.evidence == ("whether kube-proxy runs differs", 'inline manifest "cilium" is only in f0')


@pytest.mark.parametrize("manifest", [NO_NAMESPACE, NO_NAMESPACE + NAMESPACE])
def test_a_namespace_that_comes_too_late_or_never(manifest: str) -> None:
    (finding,) = findings(manifest)
    assert (finding.rule, finding.severity) == ("namespace-order", Severity.ERROR)
    words = "is before it" if NAMESPACE in manifest else "is in a namespace that is never declared"
    assert finding.evidence == (f"line 2: ServiceAccount cilium/cilium {words}",)


@pytest.mark.parametrize("cni", ["name: flannel", "name: custom"])
def test_a_cni_besides_cilium(cni: str) -> None:
    assert rules(control_plane().replace("name: none", cni)) == ["cni-not-none"]


def test_no_cni_at_all_is_flannel() -> None:
    (finding,) = findings("machine: {type: controlplane}\ncluster: {}\n")
    assert finding.title == 'f0: the CNI is flannel (the default), not "none"'
    assert rules("machine: {type: controlplane}\ncluster: {}\n", assume_cilium=False) == []


def test_kube_proxy_beside_a_strict_cilium() -> None:
    assert rules(control_plane().replace("disabled: true", "disabled: false")) == ["proxy-enabled"]
    plain = "machine: {type: controlplane}\ncluster: {network: {cni: {name: none}}}\n"
    assert rules(plain, strict=True) == ["proxy-enabled"]
    assert rules(plain) == []


def test_nobody_doing_the_services() -> None:
    assert rules(control_plane(CILIUM.replace('"strict"', '"disabled"'))) == ["proxy-disabled"]


def test_strict_without_the_address_of_the_api() -> None:
    assert rules(CILIUM.replace("KUBERNETES_SERVICE_HOST", "OTHER")) == ["strict-without-api"]


def test_another_ipam_mode() -> None:
    assert rules(CILIUM.replace('ipam: "kubernetes"', 'ipam: "cluster-pool"')) == ["ipam-mode"]


def test_networks_advertised_together_with_cilium() -> None:
    advertised = control_plane(kubespan="enabled: true\n            advertiseKubernetesNetworks: true")
    (finding,) = findings(advertised)
    assert (finding.rule, finding.guide) == ("advertised-networks", "KubeSpan, Configuration")
    assert "Cilium" in finding.title


def test_networks_advertised_together_with_calico() -> None:
    text = WORKER.replace("enabled: true\ncluster:", "enabled: true\n            advertiseKubernetesNetworks: true\ncluster:")
    assert rules(text, assume_cilium=False) == []
    calico = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: calico-node, namespace: kube-system}\n"
    (finding,) = findings(text, calico, assume_cilium=False)
    assert "Calico" in finding.title


@pytest.mark.parametrize(
    ("mtu", "link", "expected"),
    [
        ("1420", "1500", []),
        ("1420", "1450", ["kubespan-mtu"]),
        ("1370", "1450", []),
        ("0", "1450", ["kubespan-mtu"]),
        ("1300", "1300", ["kubespan-mtu"]),
    ],
)
def test_the_mtu_of_kubespan(mtu: str, link: str, expected: list[str]) -> None:
    network = f"interfaces:\n- interface: eth0\n  mtu: {link}\n- interface: eth1\n  mtu: 9000\n"
    text = control_plane(kubespan=f"enabled: true\n            mtu: {mtu}", network=network)
    assert rules(text) == expected
    assert rules(text.replace("enabled: true\n            mtu", "enabled: false\n            mtu")) == []


def test_an_mtu_of_cilium_that_kubespan_does_not_carry() -> None:
    manifest = CILIUM.replace('ipam: "kubernetes"', 'ipam: "kubernetes"\n  mtu: "1500"')
    assert rules(control_plane(manifest)) == ["cilium-mtu"]
    assert rules(control_plane(manifest.replace('"1500"', '"1420"'))) == []


def test_a_resource_that_is_there_twice() -> None:
    twice = CILIUM + CILIUM[: CILIUM.index("---\n# Source: cilium/templates/hubble")]
    (finding,) = findings(twice)
    assert (finding.rule, finding.title) == ("duplicate-resource", "f0: ServiceAccount kube-system/cilium is declared twice")
    assert finding.evidence == ("first in f0, line 2", "again in f0, line 44")
    (finding,) = findings(CILIUM.replace("ServiceAccount", "Thing", 1), control_plane(twice))
    assert finding.rule == "duplicate-resource"


def test_an_inline_manifest_that_was_patched_in_twice() -> None:
    text = control_plane()
    twice = text + text[text.index("        - name: cilium") :]
    assert "duplicate-manifest" in rules(twice)


def test_two_dashes_as_in_the_guides_example() -> None:
    broken = CILIUM.replace("---\n# Source: cilium/templates/hubble", "--\n# Source: cilium/templates/hubble")
    (finding,) = findings("--\n" + broken.removeprefix("---\n"))
    assert finding.rule == "two-dashes"
    assert finding.evidence == ("line 1, 8",)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("NOTES: installed", "f0:44: no Kubernetes resource: it has no apiVersion and kind"),
        ("a: [", "f0:45: not YAML"),
        ("apiVersion: v1\nkind: Secret", "f0:44: no Kubernetes resource: it has no metadata"),
    ],
)
def test_what_is_no_resource(document: str, words: str) -> None:
    (finding,) = findings(f"{CILIUM}---\n{document}\n")
    assert finding.rule == "broken-document"
    assert finding.evidence[0].startswith(words)


def test_no_finding_shows_a_secret() -> None:
    text = CILIUM.replace("namespace: kube-system", "namespace: x") * 2
    shown = json.dumps([finding.to_plain() for finding in findings(text, hosted("https://a.example.org/c.yaml"))])
    assert "LS0t" not in shown
    assert "PRIVATE KEY" not in shown


def test_every_rule_has_been_seen_and_says_what_to_do() -> None:
    worst = control_plane(kubespan="enabled: true\n            advertiseKubernetesNetworks: true")
    for finding in findings(worst, worst.replace("controlplane", "worker"), "--\n" + NO_NAMESPACE, strict=True):
        assert finding.title
        assert finding.cause
        assert finding.advice
        assert finding.guide
    assert len(RULES) == len(set(RULES))


@pytest.mark.parametrize(("text", "error"), [("# nothing\n", ConfigError), ("machine:\n  nope: 1\n", DecodeError)])
def test_files_that_cannot_be_checked(text: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="f0"):
        findings(text)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cp.yaml").write_text(control_plane())
    Path("worker.yaml").write_text(control_plane().replace("type: controlplane", "type: worker"))
    assert main(["cilium", "check", "cp.yaml"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("NOTE   Talos only creates what is missing")
    assert out.endswith("0 errors, 0 warnings, 1 note\n")
    assert main(["cilium", "check", "cp.yaml", "worker.yaml"]) == 3
    assert "WARN   worker.yaml carries the inline manifest" in capsys.readouterr().out
    assert main(["cilium", "check", "worker.yaml", "-o", "json"]) == 3
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["severity"]) == ("inline-on-worker", "warning")
    assert main(["cilium", "check", "nope.yaml"]) == 1
    assert "cannot read nope.yaml" in capsys.readouterr().err
