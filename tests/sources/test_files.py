"""Files, directories and archives as sources, what `dump` writes, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.text import resource_to_yaml
from talos_resources.model.errors import ConfigError, DecodeError, TalosResourcesError, UnknownKindError
from talos_resources.model.kind import kind_of
from talos_resources.model.redact import REDACTED
from talos_resources.model.resource import Resource
from talos_resources.model.spec import RedactedSpec, UnreadableSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    Affiliate,
    KubeSpanConfig,
    KubeSpanIdentity,
    KubeSpanPeerStatus,
    Member,
    PeerState,
    ResourceDefinition,
)
from talos_resources.resources.meta.definition import definition_of
from talos_resources.resources.network.link_status import LinkStatus
from talos_resources.resources.network.routing_rule_spec import RoutingRuleSpec
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.writing import held_by, write

YAML = """\
node: 10.0.0.1
metadata:
    namespace: cluster
    type: Members.cluster.talos.dev
    id: one
    version: 2
    owner: cluster.MemberController
    phase: running
    created: 2026-01-02T03:04:05Z
    updated: 2026-01-02T03:04:06Z
spec:
    nodeId: abc
    addresses:
        - 10.0.0.1
    hostname: one
    machineType: worker
    operatingSystem: Talos (v1.13.3)
"""

UNTYPED = """\
node: 10.0.0.2
metadata:
    namespace: network
    type: LinkStatuses.net.talos.dev
    id: eth0
    version: 7
    phase: running
spec:
    mtu: 1500
    kind: ""
"""


def contents(cluster: Cluster, *, show_secrets: bool = True) -> dict[str, list[Resource[Any]]]:
    return {node: held_by(cluster.state(node), show_secrets=show_secrets) for node in cluster.nodes}


@pytest.mark.parametrize("name", ["all.wire.json", "all.yaml", "all.yml", "all.json", "all.zip", "folder"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    target = str(tmp_path / name)
    with open_source("demo") as demo:
        written = contents(demo)
        write(written, target)
    with open_source(target) as opened:
        assert opened.nodes == tuple(written)
        for node, resources in contents(opened).items():
            if name.endswith(".wire.json"):
                assert resources == written[node]
            else:  # YAML and JSON print whole seconds of the metadata's times
                assert resources == [
                    r.with_metadata(created=_whole(r.metadata.created), updated=_whole(r.metadata.updated)) for r in written[node]
                ]


def _whole(time: Timestamp) -> Timestamp:
    return Timestamp(time - time.nanos)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    with open_source("demo") as demo:
        for name in ("a.yaml", "a.zip", "folder"):
            write(contents(demo), str(tmp_path / name))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    with open_source("demo") as demo:
        held = contents(demo)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    (tmp_path / "mine.yaml").write_text("mine")
    for name in ("folder", "mine.yaml"):
        with pytest.raises(ConfigError, match="exists already"):
            write(held, str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "mine", "mine.yaml"]
    assert (tmp_path / "mine.yaml").read_text() == "mine"


def test_nodes_whose_names_are_paths_have_folders(tmp_path: Path) -> None:
    held = [Resource.new(Member(), id="x")]
    write(dict.fromkeys(("../up", "unix:/run/a.sock", "/run/a.sock", "..", "172.20.0.2"), held), str(tmp_path / "folder"))
    assert not (tmp_path / "up").exists()
    folders = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert folders == ["172.20.0.2", "node", "run_a.sock", "run_a.sock-2", "up"]


@pytest.mark.parametrize("name", ["x.pdf", "a/mesh.txt", "cluster.tar"])
def test_an_ending_that_stands_for_another_form_makes_no_folder(tmp_path: Path, name: str) -> None:
    held = {"a": [Resource.new(Member(), id="x")]}
    with pytest.raises(ConfigError, match=r"there are \.wire\.json, .* and .*/ for a folder"):
        write(held, str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []
    write(held, f"{tmp_path / 'x.pdf'}/")
    assert (tmp_path / "x.pdf").is_dir()


def test_secrets_are_left_out(tmp_path: Path) -> None:
    target = tmp_path / "dump.yaml"
    with open_source("demo") as demo:
        identity = demo.state("172.20.0.2").get(KubeSpanIdentity, "local").spec
        config = demo.state("172.20.0.2").get(KubeSpanConfig, "kubespan").spec
        write(contents(demo, show_secrets=False), str(target))
    text = target.read_text()
    assert identity.private_key not in text
    assert config.shared_secret not in text
    assert identity.public_key in text
    with open_source(str(target)) as opened:
        assert opened.state("172.20.0.2").get(KubeSpanIdentity, "local").spec.private_key == REDACTED
        assert opened.state("172.20.0.3").get(KubeSpanIdentity, "local").spec.private_key == ""


def test_only_some_types() -> None:
    with open_source("demo") as demo:
        state = demo.state("172.20.0.2")
        kept = held_by(state, ["members", "kubespanpeerstatus"])
        assert {r.type for r in kept} == {kind_of(kind).type for kind in (ResourceDefinition, Member, KubeSpanPeerStatus)}
        with pytest.raises(UnknownKindError):
            held_by(state, ["nosuch"])


def test_several_documents_of_several_nodes(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(f"{YAML}---\n{UNTYPED}")
    with open_source(str(file)) as cluster:
        assert cluster.nodes == cluster.default_nodes == ("10.0.0.1", "10.0.0.2")
        member = cluster.state("10.0.0.1").get(Member, "one")
        assert (member.version, member.metadata.created.rfc3339()) == (2, "2026-01-02T03:04:05Z")
        state = cluster.state("10.0.0.2")
        links = state.kind("linkstatuses")
        assert state.kind("LinkStatus") == links
        assert [r.id for r in state.list(links)] == ["eth0"]
        assert state.get(links, "eth0").spec.mtu == 1500


def test_a_document_without_a_node_answers_to_any_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(YAML.partition("\n")[2])
    with open_source(str(file)) as cluster:
        assert cluster.nodes == ("mine",)
        assert cluster.select(["10.5.0.2"]) == ("10.5.0.2",)
        assert len(cluster.state("10.5.0.2").list(Member)) == 1
        with pytest.raises(ConfigError, match="holds one node"):
            cluster.select(["a", "b"])


def test_json_documents_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_source("demo") as demo:
        write({"172.20.0.2": list(demo.state("172.20.0.2").list(Member))}, str(tmp_path / "members.json"))
    text = (tmp_path / "members.json").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with open_source("-") as cluster:
        assert len(cluster.state("172.20.0.2").list(Member)) == 5


def test_a_watch_is_replayed(tmp_path: Path) -> None:
    other = YAML.replace("id: one", "id: two")
    updated = YAML.replace("version: 2", "version: 3")
    events = [("created", YAML), ("created", other), ("updated", updated), ("destroyed", other)]
    file = tmp_path / "watch.yaml"
    file.write_text("---\n".join(f"event: {event}\n{text}" for event, text in events))
    with open_source(str(file)) as cluster:
        assert [(r.id, r.version) for r in cluster.state("10.0.0.1").list(Member)] == [("one", 3)]


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


def test_a_folder_is_read_when_its_node_is_asked_for(tmp_path: Path) -> None:
    for node, text in (("good", YAML), ("bad", "]")):
        (tmp_path / node).mkdir()
        (tmp_path / node / "members.yaml").write_text(text)
    with open_source(str(tmp_path)) as cluster:
        assert cluster.nodes == ("bad", "good")
        assert len(cluster.state("good").list(Member)) == 1
        with pytest.raises(DecodeError, match=r"bad/members\.yaml"):
            cluster.state("bad")


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(YAML)
    (tmp_path / "two.yaml").write_text(UNTYPED)
    with open_source(str(tmp_path)) as cluster:
        assert cluster.nodes == ("10.0.0.1", "10.0.0.2")


BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "nothing but a comment": (b"# nothing\n", "holds no resource"),
    "an empty list": (b"[]", "holds no resource"),
    "binary": (b"\x7fELF\x02\x01\x01\x00\x00", "binary data"),
    "not UTF-8": (b"\xff\xfe\x00a", "not UTF-8"),
    "broken YAML": (b"metadata:\n    a: [1\nb: 2\n", "broken:3: not YAML"),
    "broken JSON": (b'{\n  "metadata": {,}\n}', "broken:2: broken JSON"),
    "cut JSON": (b'{"metadata": {"namespace"', "broken:1: broken JSON"),
    "deep JSON": (b"[" * 100_000, "nested too deeply"),
    "a Kubernetes object": (b"apiVersion: v1\nkind: Pod\nmetadata:\n    name: x\n", "is no resource"),
    "a list": (b"- a\n- b\n", "is no resource"),
    "a text": (b"hello\n", "is no resource"),
    "a list of numbers": (b"[1, 2]", 'has no "wire"'),
    "wire that is not base64": (b'[{"wire": "%%%"}]', "is not base64"),
    "wire with other letters": ('[{"wire": "äCnEK"}]'.encode(), "is not base64"),
    "wire that is no resource": (b'[{"wire": "/////w=="}]', "entry 1"),
    "a wrong name": (YAML.replace("version: ", "version: x").encode(), r"metadata\.version"),
    "a pasted table": (
        b"NODE         NAMESPACE   TYPE     ID   VERSION   HOSTNAME\n10.0.0.1   cluster   Member   one   1   one\n",
        "table; use -o yaml",
    ),
    "a short table": (b"ID    VERSION   LABEL\n06D9   63   cp-2\n", "table; use -o yaml"),
    "a watched table": (b"NODE   *   NAMESPACE   TYPE   ID   VERSION   HOSTNAME\n", "table; use -o yaml"),
    "two of one id": (f"{YAML}---\n{YAML}".encode(), r"document 2: .*\(cluster/one\) was there before: .*document 1"),
    "a broken archive": (b"PK\x03\x04nothing", "broken zip archive"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(tmp_path: Path, name: str) -> None:
    data, message = BROKEN[name]
    file = tmp_path / "broken"
    file.write_bytes(data)
    with pytest.raises(TalosResourcesError, match=message) as caught:
        open_source(str(file))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("addresses:\n        - 10.0.0.1", "addresses: 7", "spec.addresses: expected a list"),
        ("        - 10.0.0.1", "        - MY-ADDRESS", "spec.addresses[0]: 'MY-ADDRESS'"),
        ("machineType: worker", "machineType: robot", "spec.machineType: expected one of"),
    ],
)
def test_one_unreadable_field_costs_one_resource(
    tmp_path: Path, old: str, new: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "members.yaml"
    file.write_text(YAML.replace("id: one", "id: two") + "---\n" + YAML.replace(old, new))
    with open_source(str(file)) as cluster:
        one, two = cluster.state(cluster.nodes[0]).list(Member)
    assert isinstance(one.spec, UnreadableSpec)
    assert one.spec.reason.startswith(reason)
    assert isinstance(two.spec, Member)
    with pytest.raises(AttributeError, match="is not known: spec"):
        _ = one.spec.hostname
    assert main(["get", "members", "--from", str(file), "-o", "yaml"]) == 0
    captured = capsys.readouterr()
    assert new.rsplit(maxsplit=1)[-1] in captured.out
    assert captured.err.startswith(f"note: not known: Members.cluster.talos.dev/one: {reason}")
    assert main(["get", "members", "--from", str(file)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    # What cannot be read may be a secret.
    assert main(["dump", "--from", str(file), "--to", str(tmp_path / "dump.yaml")]) == 0
    assert "spec: <REDACTED>" in (tmp_path / "dump.yaml").read_text()
    with open_source(str(tmp_path / "dump.yaml")) as cluster:
        assert isinstance(cluster.state(cluster.nodes[0]).get(Member, "one").spec, RedactedSpec)


def test_a_field_that_was_edited_by_hand_is_a_line_of_the_doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "nodes.yaml"
    assert main(["dump", "--from", "demo", "--to", str(target)]) == 0
    text = target.read_text()
    target.write_text(text.replace("endpoint: 172.20.0.3:51820", "endpoint: A-PEER", 1))
    assert main(["doctor", "--from", str(target)]) in {0, 3}
    assert "not known" in capsys.readouterr().out
    assert main(["mesh", "--from", str(target)]) == 0


def test_lists_and_lines_of_json(tmp_path: Path) -> None:
    with open_source("demo") as demo:
        held = {"n": list(demo.state("172.20.0.2").list(Member))}
    write(held, str(tmp_path / "members.json"))
    documents, text = [], (tmp_path / "members.json").read_text()
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        documents.append(value)
        position += 1
    for name, form in {
        "slurped": json.dumps(documents),
        "lines": "\n".join(map(json.dumps, documents)),
        "one after the other": "".join(map(json.dumps, documents)),
        "lists": "\n".join(json.dumps([document]) for document in documents),
    }.items():
        (tmp_path / name).write_text(form)
        with open_source(str(tmp_path / name)) as cluster:
            assert [(one.id, one.spec) for one in cluster.state("n").list(Member)] == [(one.id, one.spec) for one in held["n"]]


def test_what_was_taken_out_says_so_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(YAML.replace("Members.cluster", "KubeSpanIdentities.kubespan").partition("spec:")[0] + "spec: <REDACTED>\n")
    for target in ("y.wire.json", "y.json", "y.yaml", "sqlite:y.db"):  # a bundle has only the usual namespace
        name = target.replace("y.", f"{tmp_path}/y.") if ":" in target else str(tmp_path / target)
        assert main(["dump", "--from", str(file), "--to", name]) == 0
        with open_source(name) as cluster:
            spec: Any = cluster.state(cluster.nodes[0]).get(KubeSpanIdentity, "one", namespace="cluster").spec
        assert (spec, repr(spec)) == (RedactedSpec(), "<REDACTED>")
        assert not hasattr(spec, "address")
    for form, shown in (
        ("yaml", "\nspec: <REDACTED>\n"),
        ("json", '"spec": "\\u003cREDACTED\\u003e"'),
        ("wide", "<REDACTED>"),
        ("table", "<REDACTED>"),
    ):
        assert main(["get", "kubespanidentities", "--namespace", "cluster", "--from", str(file), "-o", form]) == 0
        assert shown in capsys.readouterr().out


def test_an_entry_that_contradicts_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x.wire.json"
    with open_source("demo") as demo:
        write({"n": [demo.state("172.20.0.2").get(KubeSpanIdentity, "local")]}, str(file))
    [entry] = json.loads(file.read_text())
    assert sorted(entry) == ["id", "namespace", "type", "wire"]
    assert base64.b64decode(entry["wire"])
    file.write_text(json.dumps([entry | {"id": "other"}]))
    with pytest.raises(DecodeError, match="entry 1: says id 'other', its bytes say 'local'"):
        open_source(str(file))


@pytest.mark.parametrize("path", ["missing.yaml", "demos", "folder"])
def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=path):
        open_source(path)


def test_states_of_a_wire_file_keep_nanoseconds(tmp_path: Path) -> None:
    with open_source("demo") as demo:
        peer = demo.state("172.20.0.2").list(KubeSpanPeerStatus)[0]
        changed = peer.with_metadata(updated=type(peer.metadata.updated)(peer.metadata.updated + 7)).with_spec(state=PeerState.DOWN)
    write({"n": [changed]}, str(tmp_path / "x.wire.json"))
    with open_source(str(tmp_path / "x.wire.json")) as cluster:
        assert cluster.state("n").list(KubeSpanPeerStatus) == (changed,)


@pytest.mark.parametrize("url", ["foo://bar", "https://user:secret@10.0.0.1/x"])
def test_a_scheme_that_nobody_knows_is_no_path(url: str) -> None:
    with pytest.raises(ConfigError, match=r'no source "\w+://"; there are demo, .*, or the path of a file') as caught:
        open_source(url)
    assert "secret" not in caught.value.message


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
