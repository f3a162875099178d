"""Live nodes as sources: a real server, with and without TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, QueryError
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.sources import open_source, registry
from talos_resources.sources.live import connect_cluster
from talos_resources.talosconfig.config import SERVICE_ACCOUNT_PATH
from talos_resources.testing.node import TalosNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[TalosNode]:
    from talos_resources.sources.demo.state import DemoState

    with TalosNode(tmp_path / "node", state=DemoState(0)) as started:
        yield started


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TALOSCONFIG", raising=False)


def test_a_talosconfig(node: TalosNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "--from", "demo"]) == 0
    demo = capsys.readouterr().out
    assert main(["get", "members", "--talosconfig", str(node.talosconfig)]) == 0
    assert capsys.readouterr() == (demo, "")


def test_a_talosconfig_at_its_usual_place(node: TalosNode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALOSCONFIG", str(node.talosconfig))
    assert main(["get", "kubespanidentities", "-o", "jsonpath={.spec.publicKey}"]) == 0
    assert capsys.readouterr() == ("NzW8oeIH5rJyY5lefD9WRoHWWRr/Q6DwsDjMX+xKjT4=\n", "")


def test_a_talosconfig_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "-e", "10.0.0.1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_the_same_places_are_looked_at() -> None:
    assert str(SERVICE_ACCOUNT_PATH) == registry.SERVICE_ACCOUNT_CONFIG


def test_a_cluster_in_python(node: TalosNode) -> None:
    with connect_cluster(nodes=["a", "b"], talosconfig=node.talosconfig) as cluster:
        peers = cluster.list(KubeSpanPeerStatus)
        assert cluster.nodes == ("a", "b")
        assert peers.nodes == ("a",) * 4 + ("b",) * 4
        assert cluster.list(KubeSpanPeerStatus, "b", ids="^06").nodes == ("b",)
        with pytest.raises(QueryError):
            cluster.list(KubeSpanPeerStatus, labels="a=b=c,(")
        with pytest.raises(ConfigError):
            cluster.list(KubeSpanPeerStatus, "c")


@pytest.mark.parametrize("url", ["cosi+unix:", "cosi://", "cosi://nohost"])
def test_no_address(url: str) -> None:
    with pytest.raises(ConfigError):
        open_source(url)
