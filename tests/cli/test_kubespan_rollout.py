"""`kubespan enable`, `disable` and `set` on a living cluster: simulated nodes behind a real server with mutual TLS."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from talos_resources.cli.main import main
from talos_resources.machineconfig.settings import Settings
from talos_resources.model.net import IPPrefix
from talos_resources.resources import KubeSpanConfig
from talos_resources.simulate.settings import NodeSettings
from tests.simulate.living import LivingCluster

NOTHING: Mapping[str, Any] = {}
NODES = ("n0", "n1", "n2")
Shell = Callable[..., tuple[int, str, str]]
Living = Callable[..., LivingCluster]


def settings(*, kubespan: bool = False, version: str = "v1.14.0", last: Mapping[str, Any] = NOTHING) -> list[NodeSettings]:
    """Of three nodes; `last` are other ones for the last."""
    made = [
        NodeSettings(
            name=name,
            control_plane=name == "n0",
            pods=IPPrefix.parse(f"10.244.{number}.0/24"),
            kubespan=kubespan,
            operating_system=f"Talos ({version})",
        )
        for number, name in enumerate(NODES)
    ]
    made[-1] = attrs.evolve(made[-1], **last)
    return made


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "talos-resources" / "kept"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["kubespan", *arguments, "--talosconfig", str(tmp_path / "pki" / "talosconfig")])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("version", ["v1.12.3", "v1.13.0", "v1.14.0"])
def test_kubespan_comes_up_node_by_node_in_each_ones_own_form(living: Living, shell: Shell, kept: Path, version: str) -> None:
    cluster = living(settings(version=version), version=version)
    code, out, err = shell("enable", "-n", "n0,n1,n2", "--mtu", "1380", "--yes")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "n0, n1, n2:" or lines[0] == "n0:"
    assert [line for line in lines if line.startswith("n") and ": applied" in line] == [
        "n0: applied, 0 links of n0, n1, n2 up",
        "n1: applied, 2 links of n0, n1, n2 up",
        "n2: applied, 6 links of n0, n1, n2 up",
    ]
    has_document = cluster.config("n0").find("KubeSpanConfig") is not None
    assert has_document == (version != "v1.12.3"), "that has a section"
    for name in NODES:
        found = Settings.of(cluster.config(name)).kubespan
        assert (found.enabled, found.mtu) == (True, 1380)
    assert list(kept.iterdir()) == []
    assert shell("enable", "--mtu", "1380", "--yes")[1] == "n0: no change\nn1: no change\nn2: no change\n"


def test_settings_replace_what_nodes_have_and_switch_nothing_on(living: Living, shell: Shell) -> None:
    cluster = living(settings(kubespan=True, last={"endpoint_filters": ("10.0.0.0/8",)}))
    code, out, _ = shell("set", "-n", "n2", "--filter", "0.0.0.0/0", "--filter", "!192.168.0.0/16", "--harvest-extra-endpoints", "--yes")
    assert code == 0
    assert "n2: applied" in out
    found = Settings.of(cluster.config("n2")).kubespan
    assert found.endpoint_filters == ("0.0.0.0/0", "!192.168.0.0/16")
    assert found.harvest_extra_endpoints
    assert cluster.node("n2").state.get(KubeSpanConfig, "kubespan").spec.endpoint_filters == found.endpoint_filters
    assert shell("disable", "-n", "n2", "--yes")[0] == 0
    assert shell("set", "-n", "n2", "--mtu", "auto:1450", "--yes")[0] == 0
    found = Settings.of(cluster.config("n2")).kubespan
    assert (found.enabled, found.mtu) == (False, 1370)


def test_kubespan_goes_off_and_the_others_keep_their_links(living: Living, shell: Shell) -> None:
    cluster = living(settings(kubespan=True))
    code, out, err = shell("disable", "-n", "n2,n1,n0", "--yes")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if "applied" in line] == [
        "n2: applied, 2 links of n2, n1, n0 up",
        "n1: applied, 0 links of n2, n1, n0 up",
        "n0: applied, 0 links of n2, n1, n0 up",
    ]
    assert not any(Settings.of(cluster.config(name)).kubespan.enabled for name in NODES)


def test_it_shows_asks_and_changes_nothing_without_a_yes(living: Living, shell: Shell) -> None:
    cluster = living(settings())
    assert shell("set", "--mtu", "1300", "--dry-run")[0] == 0
    before = [cluster.text(name) for name in NODES]
    code, out, _ = shell("enable", "--dry-run")
    assert code == 0
    assert "kind: KubeSpanConfig" in out
    assert "applied" not in out
    code, _, err = shell("enable")
    assert code == 2
    assert "--yes" in err
    assert [cluster.text(name) for name in NODES] == before


def test_it_stops_at_the_first_node_that_gets_worse(living: Living, shell: Shell, kept: Path) -> None:
    cluster = living(settings())
    cluster.do(lambda: setattr(cluster.node("n1").host, "site", "elsewhere"))
    code, out, err = shell("enable", "--yes", "--wait", "4s")
    assert code == 1
    assert "n0: applied" in out
    assert "n2" not in [line.partition(":")[0] for line in out.splitlines() if "applied" in line]
    first, *rest = err.splitlines()
    assert first.startswith("error: n1: 2 links are not up that should be (n0 → n1, n1 → n0) after 4 s")
    assert first.endswith("stopped at node 2 of 3")
    files = sorted(kept.iterdir())
    assert rest == [
        f"note: to go back: talos-resources apply-config -n {name} -f {file}" for name, file in zip(("n0", "n1"), files, strict=True)
    ]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert not Settings.of(cluster.config("n2")).kubespan.enabled
    assert main(["apply-config", "-n", "n1", "-f", str(files[1]), "--talosconfig", str(cluster.talosconfig)]) == 0
    assert not Settings.of(cluster.config("n1")).kubespan.enabled


def test_it_gives_back_what_the_node_had_if_it_is_asked_to(living: Living, shell: Shell) -> None:
    cluster = living(settings())
    cluster.do(lambda: setattr(cluster.node("n1").host, "site", "elsewhere"))
    code, _, err = shell("enable", "--yes", "--wait", "4s", "--rollback")
    assert code == 1
    assert "note: n1 has what it had before" in err
    assert [Settings.of(cluster.config(name)).kubespan.enabled for name in NODES] == [True, False, False]


@pytest.mark.parametrize(
    ("last", "flags", "told"),
    [
        ({"discovery": False}, (), "discovery is off on n2"),
        (
            {"pods": IPPrefix.parse("10.244.0.0/22")},
            ("--advertise-kubernetes-networks",),
            "the pod networks of n0 and n2 overlap (10.244.0.0/24, 10.244.0.0/22)",
        ),
    ],
    ids=["discovery", "pods"],
)
def test_what_is_dangerous_is_refused_in_a_line(
    living: Living, shell: Shell, last: Mapping[str, Any], flags: tuple[str, ...], told: str
) -> None:
    cluster = living(settings(last=last))
    code, out, err = shell("enable", "--yes", *flags)
    assert (code, out) == (1, "")
    assert told in err
    assert all(line.startswith("error: ") and line.endswith("; nothing was changed") for line in err.splitlines())
    assert not any(Settings.of(cluster.config(name)).kubespan.enabled for name in NODES)


def test_discovery_is_switched_on_only_if_it_is_said(living: Living, shell: Shell) -> None:
    cluster = living(settings(last={"discovery": False}))
    code, _, err = shell("enable", "--yes", "--with-discovery")
    assert (code, err) == (0, "")
    assert Settings.of(cluster.config("n2")).discovery.enabled


def test_mistakes_are_told_before_anything_happens(living: Living, shell: Shell) -> None:
    living(settings())
    assert shell("set", "--yes")[0] == 2
    assert "1280" in shell("enable", "--mtu", "100", "--yes")[2]
    assert "invalid endpoint filter" in shell("enable", "--filter", "x", "--yes")[2]
    assert "os:admin" in shell("enable", "--yes", "--context", "reader")[2]
    code, _, err = shell("enable", "-n", "n0,nowhere", "--yes")
    assert code == 1
    assert "nowhere" in err
    assert "nothing was changed" in err
