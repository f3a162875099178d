"""What `dump` writes: it is read back, for its owner alone, and without secrets."""

from __future__ import annotations

import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, UnknownKindError
from talos_resources.model.kind import kind_of
from talos_resources.model.redact import REDACTED
from talos_resources.model.resource import Resource
from talos_resources.model.spec import RedactedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    KubeSpanConfig,
    KubeSpanIdentity,
    KubeSpanPeerStatus,
    Member,
    ResourceDefinition,
)
from talos_resources.sources import Cluster, open_source, sqlite
from talos_resources.sources.evidence import evidence
from talos_resources.sources.writing import held_by, write
from tests.sources.samples import YAML


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


def test_what_was_written_once_has_no_past(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    with open_source("demo") as demo:
        write(contents(demo), f"sqlite:{file}")
    with open_source(f"sqlite:{file}") as opened:
        assert evidence(opened).past is None
    with SqliteState(file) as state:  # somebody begins to record into it
        now = Timestamp(time.time_ns())
        state.of_node("172.20.0.2").keep_period(Period(now, Timestamp(now + 1)))
    with open_source(f"sqlite:{file}") as opened:
        tracked: list[str] = []

        def track(names: Sequence[str]) -> Sequence[str]:
            tracked.extend(names)
            return names

        assert evidence(opened, track_past=track).past is not None
        assert tracked == ["172.20.0.2"]


def test_only_some_types() -> None:
    with open_source("demo") as demo:
        state = demo.state("172.20.0.2")
        kept = held_by(state, ["members", "kubespanpeerstatus"])
        assert {r.type for r in kept} == {kind_of(kind).type for kind in (ResourceDefinition, Member, KubeSpanPeerStatus)}
        with pytest.raises(UnknownKindError):
            held_by(state, ["nosuch"])


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


def test_a_dump_that_fails_leaves_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> SqliteState:
        for ending in ("-wal", "-shm"):  # as SQLite does where there is no room for what is in its log
            Path(f"{path}{ending}").touch()
        raise ConfigError(f"{path}: the disk is full")

    monkeypatch.setattr(sqlite, "SqliteState", full)
    with pytest.raises(ConfigError, match=r"all\.db: the disk is full"):
        sqlite.write({}, str(tmp_path / "all.db"))
    assert not list(tmp_path.iterdir())
