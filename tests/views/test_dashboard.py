"""The dashboard and the alert rules of docs/prometheus: they ask for what is exported, and Prometheus understands them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos_resources.insight.mesh import build
from talos_resources.insight.metrics import discovery_metrics, mesh_metrics, reading_metrics
from tests.backends.etcd.cluster import free_ports
from tests.insight.scenes import scene

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "prometheus"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
EXPRESSIONS = [
    *(pytest.param(target["expr"], id=panel["title"]) for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(pytest.param(rule["expr"], id=rule["alert"]) for rule in RULES),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_exported(expression: str) -> None:
    mesh = build(scene("nat"))
    exported = {metric.name for metric in [*mesh_metrics(mesh), *discovery_metrics(mesh, scene("nat").views), *reading_metrics({})]}
    assert set(re.findall(r"\btalos_\w+", expression)) <= exported


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["description"]


@pytest.mark.slow
def test_what_the_rules_say() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yaml"], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has scraped the demo."""
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = subprocess.Popen(
        [sys.executable, "-m", "talos_resources", "export", "prometheus", "--from", "demo", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert exporter.stdout is not None
    target = exporter.stdout.readline().split()[-1]
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: talos, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    address = f"127.0.0.1:{free_ports(1)[0]}"
    server = subprocess.Popen(
        ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not answer(address, "talos_kubespan_nodes"):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        exporter.terminate()
        server.wait(30)
        exporter.wait(30)
        exporter.stdout.close()


def answer(address: str, expression: str) -> list[Any]:
    try:
        with urllib.request.urlopen(
            f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=60
        ) as response:
            found: list[Any] = json.load(response)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        if error.code == 503:  # it is starting
            return []
        raise
    except OSError:  # it does not listen yet
        return []


@pytest.mark.slow
def test_prometheus_answers_every_panel(prometheus: str) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            found = answer(prometheus, target["expr"].replace("$node", ".*"))
            if "rate(" not in target["expr"] and "increase(" not in target["expr"] and "== 0" not in target["expr"]:
                assert found, panel["title"]


@pytest.mark.slow
def test_prometheus_takes_every_rule_and_the_demo_raises_none(prometheus: str) -> None:
    for rule in RULES:
        if rule["alert"] != "KubeSpanHandshakeLate":  # the demo's handshakes are those of the guide
            assert answer(prometheus, rule["expr"]) == [], rule["alert"]
