"""Several sources as one cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, UnsupportedError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.sources import open_sources


@pytest.fixture
def halves(tmp_path: Path) -> list[str]:
    targets = [str(tmp_path / "a.zip"), str(tmp_path / "b.yaml")]
    for target, nodes in zip(targets, ("172.20.0.2,172.20.0.3", "172.20.0.4,172.20.0.5,172.20.0.6"), strict=True):
        assert main(["dump", "--from", "demo", "-n", nodes, "--to", target]) == 0
    return targets


def test_the_nodes_of_both(halves: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "--from", halves[0], "--from", halves[1]]) == 0
    together = capsys.readouterr().out
    assert main(["mesh", "--from", "demo"]) == 0
    assert capsys.readouterr().out == together
    with open_sources(halves) as cluster:
        assert cluster.nodes == tuple(f"172.20.0.{n}" for n in range(2, 7))
        assert len(cluster.list(KubeSpanPeerStatus)) == 20
        with pytest.raises(UnsupportedError, match="knows the present only"):
            cluster.at("-1m").state("172.20.0.2")


def test_equal_names_are_refused(halves: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "--from", halves[0], "--from", "demo"]) == 1
    assert capsys.readouterr().err == (
        f'error: {halves[0]} and the built-in demo both have a node "172.20.0.2"; ask them one after the other\n'
    )
    with pytest.raises(ConfigError, match="both have a node"):
        open_sources([halves[0], halves[0]])


def test_sources_that_do_not_say_their_node(tmp_path: Path) -> None:
    member = Resource.new(Member(), id="x").stamped(1, "", Timestamp(1), Timestamp(1))
    with SqliteState(tmp_path / "one.db") as state:
        state.put(member, at=Timestamp(1))
    with SqliteState(tmp_path / "two.db") as state:
        state.put(member, at=Timestamp(1))
    urls = [f"sqlite:{tmp_path}/{name}.db" for name in ("one", "two")]
    with open_sources(urls) as cluster:
        assert cluster.nodes == tuple(urls)
        assert [cluster.state(node).get(Member, "x").id for node in cluster.nodes] == ["x", "x"]
        assert not cluster.unnamed


def test_one_that_is_missing_is_named(halves: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "--from", halves[0], "--from", "nowhere.zip"]) == 1
    assert "nowhere.zip" in capsys.readouterr().err


def test_a_service_keeps_everything_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    serve = ["discovery", "serve", "--listen", "127.0.0.1:0", "--insecure"]
    assert main([*serve, "--from", "cosi://127.0.0.1:1", "--from", "cosi://127.0.0.1:2"]) == 2
    assert "one state" in capsys.readouterr().err
