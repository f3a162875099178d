"""Files of bundles are read as they are asked for; databases are written node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.errors import AlreadyExistsError, ConfigError, DecodeError
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, Member, ResourceDefinition
from talos_resources.sources import open_source
from talos_resources.sources.writing import LazyContents, held_by, write
from talos_resources.state.events import Created
from tests.sources.samples import UNTYPED, YAML


def test_a_bundle_is_read_by_the_files_that_are_asked_for(tmp_path: Path) -> None:
    resources = tmp_path / "node" / "resources"
    resources.mkdir(parents=True)
    (resources / "members.cluster.talos.dev.yaml").write_text(YAML.partition("\n")[2])
    (resources / "affiliates.cluster.talos.dev.yaml").write_text("]")
    with open_source(str(tmp_path)) as cluster:
        state = cluster.state("node")
        assert [r.id for r in state.list(Member)] == ["one"]
        for _ in range(2):  # what cannot be read does not become empty
            with pytest.raises(DecodeError, match=r"affiliates\.cluster\.talos\.dev\.yaml:1"):
                state.list(Affiliate)
        with pytest.raises(DecodeError, match=r"affiliates\.cluster"):  # which nobody has defined, so its file is looked at
            state.kind("members")


def test_a_watch_asks_for_the_file_too(tmp_path: Path) -> None:
    resources = tmp_path / "node" / "resources"
    resources.mkdir(parents=True)
    (resources / "members.cluster.talos.dev.yaml").write_text(YAML.partition("\n")[2])
    with open_source(str(tmp_path)) as cluster, cluster.state("node").watch_kind(Member) as events:
        first = events.next(timeout=30)
        assert isinstance(first, Created)
        assert first.resource.id == "one"


def test_a_bundle_knows_types_without_definitions(tmp_path: Path) -> None:
    resources = tmp_path / "node" / "resources"
    resources.mkdir(parents=True)
    (resources / "untyped.example.dev.yaml").write_text(UNTYPED.partition("\n")[2])
    with open_source(str(tmp_path)) as cluster:
        state = cluster.state("node")
        [definition] = state.list(ResourceDefinition)
        assert len(state.list(state.kind(definition.spec.resource_type))) == 1


def test_a_database_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def held(node: str) -> list[Resource[Any]]:
        raise ConfigError(f"{node} cannot be read")

    with pytest.raises(ConfigError, match="one cannot be read"):
        write(LazyContents(("one",), held), f"sqlite:{tmp_path}/all.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_refuses_a_resource_that_is_there_twice(tmp_path: Path) -> None:
    with open_source("demo") as cluster:
        resources = held_by(cluster.state(cluster.nodes[0]))
    with pytest.raises(AlreadyExistsError):
        write({"one": [*resources, resources[0]]}, f"sqlite:{tmp_path}/all.db")
    assert list(tmp_path.iterdir()) == []
