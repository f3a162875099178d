"""Files, directories and archives as sources, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, DecodeError, TalosResourcesError
from talos_resources.model.spec import RedactedSpec, UnreadableSpec
from talos_resources.resources import (
    KubeSpanIdentity,
    KubeSpanPeerStatus,
    Member,
    PeerState,
)
from talos_resources.sources import open_source
from talos_resources.sources.writing import write
from tests.sources.samples import UNTYPED, YAML


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
    "half of a character": (b'{"metadata": {"type": "X", "id": "\\ud800"}}', "half of a character"),
    "half of a character in one of several": (
        b'{"metadata": {"type": "X", "id": "a"}}\n{"metadata": {"type": "X", "id": "\\uDFFF"}}',
        "half",
    ),
    "half of a character in what is pasted": (b'$ talosctl\n{"metadata": {"type": "X", "id": "\\ud800"}}', "half of a character"),
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
    "a database": (b"SQLite format 3\0", "broken: it is a SQLite database; use --from sqlite:/.*broken$"),
    "a compressed file": (b"\x1f\x8b\x08", "compressed by gzip; unpack it first"),
    "an archive of tar": (b"one.yaml" + bytes(249) + b"ustar\x0000", "archive of tar; unpack it first"),
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
    told = capsys.readouterr().err
    assert f"Members.cluster.talos.dev/one cannot be read ({reason}" in told
    assert told.endswith("written as <REDACTED>; --show-secrets writes it as it is\n")
    assert main(["dump", "--from", str(file), "--to", str(tmp_path / "all.yaml"), "--show-secrets"]) == 0
    assert (capsys.readouterr().err, "<REDACTED>" in (tmp_path / "all.yaml").read_text()) == ("", False)
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


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("sqlit:mesh.db", "sqlite"),
        ("sqlit://mesh.db", "sqlite"),
        ("ectd://host:1/x", "etcd"),
        ("cosi+unx:/run/x", "cosi+unix or cosi"),
        ("dmo", "demo"),
        ("dem:guide", "demo"),
    ],
)
def test_a_scheme_that_is_nearly_one_is_suggested(url: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"; did you mean {re.escape(meant)}\?$"):
        open_source(url)


def test_a_path_that_is_there_needs_no_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write({"n": []}, "sqlit")
    Path("sqlit").rename("sqlit:mesh")
    with pytest.raises(ConfigError, match="holds no"):
        open_source("sqlit:mesh")
    with pytest.raises(ConfigError, match="cannot read support: No such file"):
        open_source("support")


@pytest.mark.parametrize("target", ["etd://host/x", "sqlit:mesh.db", "cosi://host:1"])
def test_nothing_is_written_to_a_scheme_that_is_none(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="nothing is written to .*; there are etcd://"):
        write({"n": []}, target)
    assert not list(tmp_path.iterdir())


def test_a_fault_that_the_first_look_finds_costs_one_resource_of_a_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    links = {
        name: f"metadata:\n    namespace: network\n    type: LinkStatuses.net.talos.dev\n    id: {name}\nspec:\n" for name in ("a", "b")
    }
    file = tmp_path / "links.yaml"
    file.write_text(f"{links['a']}    mtu: many\n---\n{links['b']}    mtu: 1500\n")
    assert main(["dump", "--from", str(file), "--to", str(tmp_path / "dump.yaml")]) == 0
    assert "LinkStatuses.net.talos.dev/a cannot be read (" in capsys.readouterr().err
    text = (tmp_path / "dump.yaml").read_text()
    assert "spec: <REDACTED>" in text
    assert "mtu: 1500" in text
