"""Metrics: what Prometheus's own parser reads of them, and a server that waits for nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from talos_resources.cli import export
from talos_resources.cli.main import main
from talos_resources.insight.mesh import build
from talos_resources.insight.metrics import Metric, Reading, discovery_metrics, mesh_metrics, reading_metrics
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.errors import ConnectError
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.poll import Poll
from talos_resources.state.contract import State
from talos_resources.views.prometheus import metrics_text
from tests.insight.scenes import demo, scene

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Series:
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def of(series: Series, name: str, **labels: str) -> float:
    return series[name, tuple(sorted(labels.items()))]


def test_links_and_totals() -> None:
    mesh = build(scene("nat"))
    series = read(metrics_text([*mesh_metrics(mesh), *discovery_metrics(mesh, scene("nat").views)]))
    assert of(series, "talos_kubespan_links", state="up") == 28
    assert of(series, "talos_kubespan_peer_up", node="worker-2", peer="worker-3") == 0
    assert of(series, "talos_kubespan_peer_up", node="worker-2", peer="worker-1") == 1
    assert of(series, "talos_kubespan_peers", node="worker-2", state="up") == 4
    assert of(series, "talos_discovery_affiliates", node="worker-2") == 6
    assert of(series, "talos_discovery_affiliates_missing", node="worker-2") == 0
    assert ("talos_kubespan_peer_handshake_age_seconds", (("node", "worker-2"), ("peer", "worker-3"))) not in series
    demo_series = read(metrics_text(mesh_metrics(build(demo()))))
    first, second = "talos-default-controlplane-1", "talos-default-controlplane-2"
    assert of(demo_series, "talos_kubespan_peer_receive_bytes_total", node=first, peer=second) == 15043220
    assert of(demo_series, "talos_kubespan_peer_handshake_age_seconds", node=first, peer=second) == pytest.approx(59.784)


def test_a_large_mesh_has_bounded_series() -> None:
    mesh = build(scene("nat"))
    series = read(metrics_text(mesh_metrics(mesh, most_links=10)))
    assert sum(name == "talos_kubespan_peer_up" for name, _ in series) == 2
    assert of(series, "talos_kubespan_links", state="up") == 28


def test_labels_are_escaped() -> None:
    evil = 'a"b\\c\nd'
    text = metrics_text([Metric(name="m", kind="gauge", help="two\nlines", samples=[((("node", evil),), 1.5)])])
    assert read(text) == {("m", (("node", evil),)): 1.5}


def test_a_poll_never_waits_for_a_node() -> None:
    hanging = threading.Event()

    def hang() -> State:
        hanging.wait(60)
        raise ConnectError("too late")

    def refuse() -> State:
        raise ConnectError("connection refused")

    with open_source("demo") as source:
        cluster = Cluster({"172.20.0.2": lambda: source.state("172.20.0.2"), "refused": refuse}, source="test")
        now = [0.0]
        poll = Poll(cluster, cluster.nodes, every_s=30, clock=lambda: now[0])
        for node in cluster.nodes:
            poll.read(node)
        snapshot, readings = poll.now()
        assert [view.node for view in snapshot.views] == ["172.20.0.2"]
        assert snapshot.errors == {"refused": "connection refused"}
        series = read(metrics_text(reading_metrics(readings)))
        assert of(series, "talos_scrape_success", target="172.20.0.2") == 1
        assert of(series, "talos_scrape_success", target="refused") == 0
        assert of(series, "talos_scrape_errors_total", target="refused") == 1
        now[0] = 91.0
        snapshot, readings = poll.now()
        assert snapshot.errors["172.20.0.2"] == "it has not answered for 91 s"
        assert not readings["172.20.0.2"].is_up
        slow = Poll(Cluster({"slow": hang}, source="test"), ("slow",), every_s=30)
        slow.start()
        assert slow.now()[0].errors == {"slow": "it has not answered yet"}
        slow.stop()
        hanging.set()


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "talos_resources", "export", "prometheus", "--from", "demo", "--listen", "127.0.0.1:0"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALOS")} | {"HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().removeprefix("listening on ")
            series: Series = {}
            # Until the first node has answered there is no mesh, and until the first round has ended nodes are missing.
            for _ in range(10_000):
                status, text = get(address, "/metrics")
                assert status == 200
                series = read(text)
                if series.get(("talos_kubespan_links", (("state", "up"),))) == 20:
                    break
                assert series.get(("talos_kubespan_nodes", ())) != 0
            assert of(series, "talos_kubespan_links", state="up") == 20
            assert get(address, "/nothing")[0] == 404
            assert "/metrics" in get(address, "/")[1]
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()


def test_wrong_input() -> None:
    assert main(["export", "prometheus", "--from", "demo", "--listen", "nowhere"]) == 1
    assert main(["export", "prometheus", "--from", "demo", "--every", "0"]) == 2
    assert main(["export", "nothing"]) == 2


class _Poll:
    """Nodes of which nothing is known, and how often somebody asked."""

    def __init__(self) -> None:
        self.asked = 0

    def now(self) -> tuple[Snapshot, dict[str, Reading]]:
        self.asked += 1
        return Snapshot(views=(), errors={}), {}


@pytest.fixture
def exporting() -> Iterator[tuple[str, Any]]:
    poll: Any = _Poll()
    server = export._Server(("127.0.0.1", 0), poll)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", poll
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_crowd_that_says_nothing_keeps_nobody_out(exporting: tuple[str, Any]) -> None:
    address, _ = exporting
    before = threading.active_count()
    with ExitStack() as stack:
        for n in range(4 * export.MOST):
            there = (address.partition(":")[0], int(address.partition(":")[2]))
            idle = stack.enter_context(socket.create_connection(there, timeout=30, source_address=("127.0.0.2", 0)))
            if n % 2:
                idle.sendall(b"GET /metrics HTTP/1.1\r\nX-")
            if n % 50 == 0:
                assert get(address, "/metrics")[0] == 200
        assert get(address, "/metrics")[0] == 200
        assert threading.active_count() <= before + export.MOST + 8


def test_many_scrapes_at_once_are_made_once(exporting: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FRESH_S", 3600.0)
    address, poll = exporting
    assert {get(address, "/metrics") for _ in range(20)} == {(200, get(address, "/metrics")[1])}
    assert poll.asked == 1
