"""The report: one file with everything that is wrong, and with no secret."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.plain import resource_to_plain
from talos_resources.insight.doctor import Diagnosis
from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.insight.report import MOST_PAIRS, report
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.redact import redacted
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import DiscoveryConfig, KubeSpanConfig, KubeSpanIdentity, KubeSpanPeerStatus, PeerState
from talos_resources.sources import open_source
from talos_resources.views.diagnosis import escaped
from talos_resources.views.report_forms import report_html, report_markdown

from .sketches import pair, sketch

PLANTED = "cGxhbnRlZC1zZWNyZXQtbmV3LW9uZS0wMTIzNDU2Nzg="
FORMS = ("md", "html")


@pytest.fixture(scope="module")
def nat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster with a broken link, with all of its secrets, in a folder and in a recording."""
    folder = tmp_path_factory.mktemp("report")
    assert main(["simulate", "--nodes", "6", "--scenario", "nat", "--show-secrets", "--to", str(folder / "nat")]) == 0
    assert main(["dump", "--from", str(folder / "nat"), "--show-secrets", "--to", f"sqlite:{folder}/nat.db"]) == 0
    with open_source(f"sqlite:{folder}/nat.db") as cluster:
        for node in cluster.nodes[:2]:
            state = cluster.state(node)
            (settings,) = state.list(KubeSpanConfig)
            state.update(settings.with_spec(shared_secret=PLANTED, mtu=1380))
            for peer in list(state.list(KubeSpanPeerStatus))[:1]:
                state.update(peer.with_spec(state=PeerState.DOWN))
    return folder


def secrets(folder: Path) -> set[str]:
    """Every text in the cluster that is not shown where secrets are left out."""
    found = {PLANTED}
    with open_source(str(folder / "nat")) as cluster:
        for node in cluster.nodes:
            for kind in (KubeSpanConfig, KubeSpanIdentity, DiscoveryConfig):
                for resource in cluster.state(node).list(kind):
                    shown = set(leaves(resource_to_plain(redacted(resource, sensitive=True))))
                    found |= set(leaves(resource_to_plain(resource))) - shown
    return {text for text in found if len(text) > 8}


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield str(value)


def written(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["report", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", ["nat", "sqlite:nat.db"])
def test_no_secret_is_in_it(nat: Path, source: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = secrets(nat)
    assert len(known) > 6, "private keys, the cluster secret, the key of discovery"
    text = written(capsys, "--from", source.replace("nat", str(nat / "nat")), "-o", form)
    assert [secret for secret in known if secret in text] == []


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_comes_first_then_the_links_from_both_ends(nat: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, "--from", str(nat / "nat"), "-o", form)
    parts = ("both are behind NAT", "harvestExtraEndpoints", "Links that are not up", "Nodes and versions", "Settings of KubeSpan")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text) if form == "html" else [cell.strip() for cell in text.split("|")]
    for here, there in (("worker-2", "worker-3"), ("worker-3", "worker-2")):
        assert any(cells[place : place + 3] == [here, there, "unknown"] for place in range(len(cells)))
    assert "v1.14.0" in cells


def test_the_page_loads_nothing_and_draws_the_mesh(nat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = written(capsys, "--from", str(nat / "nat"), "-o", "html")
    assert not re.search(r"""\b(?:src|href)\s*=|url\(|@import|<script""", page)
    assert re.findall(r"https?://[\w./]+", page.replace("http://www.w3.org/2000/svg", "")) == []
    assert "default-src 'none'" in page
    assert page.count("<svg ") == 1
    assert "What is not up" in page
    assert page.count("<style>") == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_recording_adds_what_changed(nat: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"sqlite:{nat}/nat.db"
    text = written(capsys, "--from", source, "--since", "1h", "-o", form)
    assert "What changed" in text
    assert "up → down" in text.replace("&gt;", ">")
    assert "1380" in text
    later = Timestamp(time.time_ns() + 10**9).rfc3339()
    assert "Nothing but counters changed" in written(capsys, "--from", source, "--since", later, "-o", form)


def test_who_keeps_no_past_is_told_so(nat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--from", str(nat / "nat"), "--since", "1h"]) == 1
    assert "keeps no past" in capsys.readouterr().err


def test_names_cannot_change_it() -> None:
    evil = ["</td><script>alert(1)</script>|`*x*`\x1b[2J", *(f"n{number}" for number in range(4))]
    mesh = sketch(5, pair(0, 3), names=evil)
    made = _made(mesh)
    page, text = report_html(made), report_markdown(made)
    assert "<script" not in page
    assert "\x1b" not in page + text
    assert r"\<script\>" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "script" in line]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) in {7, 8} for row in rows)


def test_of_many_broken_links_the_worst_are_shown_and_the_others_counted() -> None:
    mesh = sketch(
        80,
        {key: state for here in range(0, 80, 2) for key, state in pair(here, here + 1, LinkState.UNKNOWN).items()}
        | pair(4, 9)
        | pair(6, 11),
    )
    made = _made(mesh)
    assert (len(made.pairs), made.left_out) == (MOST_PAIRS, 2)
    assert [link.state for link, _ in made.pairs[:3]] == [LinkState.DOWN, LinkState.DOWN, LinkState.UNKNOWN]
    assert "2 more links are not up" in report_markdown(made)


def test_nothing_wrong_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert "<h1>Nothing is wrong</h1>" in written(capsys, "--from", "demo", "-o", "html")
    assert "Nothing is wrong" in written(capsys, "--from", "demo")


def _made(mesh: Mesh) -> Any:
    diagnosis = Diagnosis(mesh=mesh, findings=(), blind=())
    return report(Snapshot(views=()), diagnosis, source="a test", made=Timestamp(0))


def test_markdown_commands_no_terminal_that_shows_it() -> None:
    assert escaped("a\x1b]0;x\x07\u202eb*") == "a\\\\x1b\\]0;x\\\\x07\\\\u202eb\\*"
