"""Support bundles as sources: what the node wrote, and what a bundle leaves out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.text import resource_to_yaml
from talos_resources.model.kind import kind_of, typed_kind
from talos_resources.model.resource import Resource
from talos_resources.model.spec import RedactedSpec, UnreadableSpec
from talos_resources.resources import (
    Affiliate,
    KubeSpanIdentity,
    KubeSpanPeerStatus,
    Member,
)
from talos_resources.resources.meta.definition import definition_of
from talos_resources.resources.network.link_status import LinkStatus
from talos_resources.resources.network.routing_rule_spec import RoutingRuleSpec
from talos_resources.sources import open_source
from tests.sources.samples import YAML


def test_a_support_bundle(tmp_path: Path) -> None:
    file = tmp_path / "support.zip"
    document = YAML.partition("\n")[2]
    secret = document.replace("Members.cluster", "KubeSpanIdentities.kubespan").partition("spec:")[0] + "spec: <REDACTED>\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("10.0.0.1/resources/members.cluster.talos.dev.yaml", document)
        archive.writestr("10.0.0.1/resources/kubespanidentities.kubespan.talos.dev.yaml", secret)
        archive.writestr("10.0.0.1/dmesg.log", "…")
        archive.writestr("10.0.0.2/resources/members.cluster.talos.dev.yaml", document)
        archive.writestr("kubernetesResources/nodes.yaml", "kind: NodeList\nitems: []\n")
    with open_source(str(file)) as cluster:
        assert cluster.nodes == ("10.0.0.1", "10.0.0.2")
        state = cluster.state("10.0.0.1")
        assert [r.id for r in state.list(Member)] == ["one"]
        assert isinstance(state.get(KubeSpanIdentity, "one", namespace="cluster").spec, RedactedSpec)


@pytest.mark.parametrize("quoted", ['"on"', "'on'", '"12:30:45"', "'y'"])
def test_the_quotes_of_a_spec_are_those_of_the_node_that_wrote_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], quoted: str) -> None:
    """Talos v1.13 writes "on", v1.14 'on'; a bundle of either is shown as the node wrote it."""
    file = tmp_path / "peers.yaml"
    peer = Resource.new(KubeSpanPeerStatus(label="the label"), id="06=")
    written = resource_to_yaml(peer, head={"node": "a"}).replace("label: the label", f"label: {quoted}")
    file.write_text(written)
    assert main(["get", "kubespanpeerstatuses", "-o", "yaml", "--from", str(file)]) == 0
    assert f"    label: {quoted}\n" in capsys.readouterr().out
    (found,) = open_source(str(file)).state("a").list(KubeSpanPeerStatus)
    assert found.spec.label == quoted[1:-1]
    assert f"label: '{quoted[1:-1]}'" in resource_to_yaml(found.with_spec(receive_bytes=1))  # what is changed here is written as we do
    file.write_text(written.replace("state: unknown", "state: uup"))
    (broken,) = open_source(str(file)).state("a").list(KubeSpanPeerStatus)
    assert isinstance(broken.spec, UnreadableSpec)
    assert f"label: {quoted}" in broken.spec.yaml


BUNDLED = "10.0.0.1/resources"


def test_aliases_are_those_of_the_release_that_the_node_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cs` is one type up to v1.13, and two in v1.14."""
    folder = tmp_path / BUNDLED
    folder.mkdir(parents=True)
    file = folder / "resourcedefinitions.meta.cosi.dev.yaml"
    older, newer = (typed_kind(name) for name in ("ConfigStatuses.kubernetes.talos.dev", "ContainerSpecs.containers.talos.dev"))
    assert older is not None
    assert newer is not None
    file.write_text(resource_to_yaml(Resource.new(definition_of(older), id=older.id)))
    assert main(["get", "cs", "--from", str(tmp_path)]) == 0
    assert "READY" in capsys.readouterr().out
    file.write_text(file.read_text() + "---\n" + resource_to_yaml(Resource.new(definition_of(newer), id=newer.id)))
    assert main(["get", "cs", "--from", str(tmp_path)]) == 1
    assert f'"cs" is ambiguous: [{older.id} {newer.id}]' in capsys.readouterr().err


LEFT_OUT = [
    (
        "affiliates",
        "cluster-raw",
        "a support bundle has Affiliates.cluster.talos.dev of namespace cluster only; what is in cluster-raw is not known",
    ),
    (
        "routingrulespecs",
        "network-config",
        "has RoutingRuleSpecs.net.talos.dev of namespace network only; what is in network-config is not known",
    ),
    ("kubespanidentities", None, "are sensitive; this support bundle was made without os:admin, which leaves them out: they may be there"),
    ("links", None, ""),
]


@pytest.mark.parametrize(("name", "namespace", "reason"), LEFT_OUT)
def test_what_a_bundle_leaves_out_is_not_told_as_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, namespace: str | None, reason: str
) -> None:
    folder = tmp_path / BUNDLED
    folder.mkdir(parents=True)
    for typed in (Member, KubeSpanIdentity, Affiliate, LinkStatus, RoutingRuleSpec):
        kind = kind_of(typed)
        definition = Resource.new(definition_of(kind), id=kind.type.lower())
        with folder.joinpath("resourcedefinitions.meta.cosi.dev.yaml").open("a") as file:
            file.write("---\n" + resource_to_yaml(definition))
    folder.joinpath("members.cluster.talos.dev.yaml").write_text(YAML.partition("\n")[2])
    arguments = ["get", name, "--from", str(tmp_path), *(("--namespace", namespace) if namespace else ())]
    assert main(arguments) == 0
    note = capsys.readouterr().err
    assert note.startswith("note: 10.0.0.1: ") if reason else note == ""
    assert reason in note
    assert note.count("\n") == bool(reason)
    # With a redacted resource of a sensitive type the bundle was made by an administrator: what is not there is absent.
    document = resource_to_yaml(Resource.new(KubeSpanIdentity(), id="local"))
    folder.joinpath("kubespanidentities.kubespan.talos.dev.yaml").write_text(document.partition("spec:")[0] + "spec: <REDACTED>\n")
    assert main(["get", "machineconfigs", "--from", str(tmp_path)]) in (0, 1)
    assert "sensitive" not in capsys.readouterr().err
