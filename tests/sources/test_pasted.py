"""What people paste: prompts, notes, fences, quotation marks, colours, Windows' line ends, several commands and forms in one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.errors import DecodeError
from talos_resources.model.spec import UnreadableSpec
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.sources import open_source
from tests.insight.blueprint import Plan
from tests.insight.blueprint_documents import documents
from tests.insight.blueprint_files import STATUSES, block
from tests.insight.blueprint_kinds import names, rack

MEMBERS = "Members.cluster.talos.dev"
Looks = list[tuple[str, str, list[dict[str, Any]]]]
"""Node, type, and the documents that the node printed."""


def looks(*kinds: str) -> Looks:
    boxes = rack(2)
    plan = Plan(boxes=boxes).split(["w-2"], names(boxes), 900)
    return [(box.ip, kind, [{"node": box.ip, **doc} for doc in documents(plan, box)[kind]]) for box in boxes for kind in kinds]


def yaml(docs: list[dict[str, Any]]) -> str:
    return "---\n".join(map(block, docs))


def lines(docs: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(doc, indent=4) + "\n" for doc in docs)


PLAIN = "---\n".join(yaml(docs) for *_, docs in looks(STATUSES))
TABLE = "NODE        NAMESPACE   TYPE     ID     VERSION   HOSTNAME\n10.0.0.11   cluster     Member   cp-1   2         cp-1\n"


def command(node: str, kind: str, output: str = "yaml") -> str:
    return f"user@host:~$ talosctl -n {node} get {kind.lower()} -o {output}\n"


def without_node(docs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in doc.items() if name != "node"} for doc in docs]


FORMS: dict[str, Callable[[], str | bytes]] = {
    "as it is": lambda: PLAIN,
    "windows": lambda: PLAIN.replace("\n", "\r\n"),
    "powershell": lambda: PLAIN.encode("utf-16"),
    "prompts": lambda: "".join(command(node, kind) + yaml(docs) for node, kind, docs in looks(STATUSES)),
    "the node in the command only": lambda: "".join(
        command(node, kind) + yaml(without_node(docs)) + "$\n" for node, kind, docs in looks(STATUSES)
    ),
    "fences": lambda: "".join(f"This is {node}:\n```yaml\n{yaml(docs)}```\n\n" for node, _, docs in looks(STATUSES)),
    "quoted": lambda: "\n".join(f"> {line}" for line in PLAIN.split("\n")),
    "indented": lambda: "\n".join(f"    {line}" for line in PLAIN.split("\n")),
    "colours": lambda: f"\x1b[32muser\x1b[0m$ talosctl get kss\n{PLAIN}",
    "a warning first": lambda: f"WARNING: 10.0.0.11: server version v1.12.3 is older than client version v1.14.0\n{PLAIN}",
    "json": lambda: "".join(lines(docs) for *_, docs in looks(STATUSES)),
    "json on one line": lambda: "".join(json.dumps(doc) for *_, docs in looks(STATUSES) for doc in docs),
    "a list of items": lambda: json.dumps({"items": [doc for *_, docs in looks(STATUSES) for doc in docs]}),
    "json and yaml": lambda: "".join(
        lines(docs) if number % 2 else command(node, kind) + yaml(docs) for number, (node, kind, docs) in enumerate(looks(STATUSES))
    ),
    "without the lines between": lambda: "".join(block(doc) for *_, docs in looks(STATUSES) for doc in docs),
    "a table beside it": lambda: f"$ talosctl get members\n{TABLE}$ talosctl get kss -o yaml\n{PLAIN}",
    "the same command twice": lambda: f"$ talosctl get kss -o yaml\n{PLAIN}$ talosctl get kss -o yaml\n{PLAIN}",
    "a second look": lambda: PLAIN + "---\n" + PLAIN.replace("version: 4", "version: 5"),
}


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_lost(form: str, tmp_path: Path) -> None:
    text = FORMS[form]()
    file = tmp_path / "paste.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with open_source(str(file)) as cluster:
        assert cluster.nodes == tuple(node for node, *_ in looks(STATUSES))
        for node, _, docs in looks(STATUSES):
            held = {status.id: status.spec for status in cluster.state(node).list(KubeSpanPeerStatus)}
            assert {key: spec.receive_bytes for key, spec in held.items()} == {
                doc["metadata"]["id"]: doc["spec"]["receiveBytes"] for doc in docs
            }
        (finding,) = cluster.doctor().findings
        assert finding.rule == "node-isolated"


def test_several_commands(tmp_path: Path) -> None:
    file = tmp_path / "paste.txt"
    file.write_text("".join(command(node, kind) + yaml(docs) for node, kind, docs in looks(STATUSES, MEMBERS)))
    with open_source(str(file)) as cluster:
        assert len(cluster.list(KubeSpanPeerStatus)) == 20
        assert len(cluster.list(Member)) == 25


@pytest.mark.parametrize("number", [0, 1, -1])
def test_a_resource_that_cannot_be_read_is_not_left_out_wherever_it_stands(number: int, tmp_path: Path) -> None:
    documents = yaml([doc for _, _, docs in looks(STATUSES)[:1] for doc in docs]).split("---\n")
    documents[number] = documents[number].replace("label: ", 'label: "\\ud800" ')
    file = tmp_path / "paste.yaml"
    file.write_text("---\n".join(documents))
    with open_source(str(file)) as cluster:
        held = cluster.list(KubeSpanPeerStatus)
    assert len(held) == len(documents)
    assert [resource.id for resource in held if isinstance(resource.spec, UnreadableSpec)] != []


@pytest.mark.parametrize("cut", [30, 170, 240, 300, 390, 440, 460])
@pytest.mark.parametrize("prompt", ["", "$ talosctl get kss -o yaml\n"])
def test_a_text_that_ends_early(cut: int, prompt: str, tmp_path: Path) -> None:
    """The last status is not known; it is not one that never had a handshake, and its peer is not missing."""
    file = tmp_path / "paste.yaml"
    file.write_text(prompt + PLAIN[:-cut])
    with open_source(str(file)) as cluster:
        findings = cluster.doctor().findings
    assert [finding.rule for finding in findings] == ["node-isolated"]
    assert not any("never" in line for line in findings[0].evidence)


@pytest.mark.parametrize("text", ["nothing of the kind", "$ talosctl get members\n" + TABLE, "metadata:\n", "{", "> \n> \n", "node: 1\n"])
def test_where_there_is_nothing_it_is_said(text: str, tmp_path: Path) -> None:
    file = tmp_path / "paste.txt"
    file.write_text(text)
    with pytest.raises(DecodeError), open_source(str(file)):
        pass
