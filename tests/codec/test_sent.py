"""What a node wrote is what is shown."""

from __future__ import annotations

import pickle

import attrs
import pytest

from talos_resources._generated import cosi_resource_pb2
from talos_resources.backends.memory import MemoryState
from talos_resources.codec.text import resource_from_yaml, resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.resource import Resource
from talos_resources.model.sent import sent_yaml
from talos_resources.resources import ClusterInfo, KubeSpanPeerSpec, MachineType, MachineTypeConfig

WRITTEN = 'clusterId: "y"\nclusterName: a\nplanet: earth\n'
"""By a node that quotes otherwise and knows more than we do."""


@pytest.fixture
def info() -> Resource[ClusterInfo]:
    made = Resource.new(ClusterInfo(cluster_id="y", cluster_name="a"), id="current")
    message = cosi_resource_pb2.Resource.FromString(resource_to_wire(made))
    assert message.spec.yaml_spec == "clusterId: 'y'\nclusterName: a\n"
    message.spec.yaml_spec = WRITTEN
    return resource_from_wire(message.SerializeToString())


def test_it_prints_as_it_was_written(info: Resource[ClusterInfo]) -> None:
    assert info.spec == ClusterInfo(cluster_id="y", cluster_name="a")
    assert 'spec:\n    clusterId: "y"\n    clusterName: a\n    planet: earth\n' in resource_to_yaml(info)
    assert '"planet": "earth"' in resource_to_json(info)


def test_it_is_served_as_it_was_written(info: Resource[ClusterInfo]) -> None:
    assert WRITTEN.encode() in resource_to_wire(info)


def test_it_is_equal_to_one_that_was_made_here(info: Resource[ClusterInfo]) -> None:
    made = Resource(info.metadata, info.spec)
    assert info == made
    assert made == info
    assert hash(info) == hash(made)
    assert info != made.with_spec(cluster_name="b")


def test_the_text_goes_where_the_spec_goes(info: Resource[ClusterInfo]) -> None:
    assert sent_yaml(info.with_labels(zone="a")) == WRITTEN
    assert sent_yaml(pickle.loads(pickle.dumps(info))) == WRITTEN
    state = MemoryState()
    state.restore([info])
    assert sent_yaml(state.get(ClusterInfo, "current")) == WRITTEN


def test_a_changed_spec_is_written_anew(info: Resource[ClusterInfo]) -> None:
    for changed in (info.with_spec(cluster_name="b"), attrs.evolve(info, spec=ClusterInfo(cluster_id="y", cluster_name="b"))):
        assert sent_yaml(changed) is None
        assert "spec:\n    clusterId: 'y'\n    clusterName: b\n" in resource_to_yaml(changed)


def test_long_values_are_folded_as_talosctl_folds_them() -> None:
    made = Resource.new(KubeSpanPeerSpec(label="word " * 40 + "end"), id="a")
    text = resource_to_yaml(made)
    lines = text.partition("    label: ")[2].splitlines()
    assert len(lines) == 3
    assert all(line.startswith("        ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == made.spec.label
    assert max(map(len, text.splitlines())) <= 81 + len("word")


def test_a_mere_text_stands_behind_the_colon() -> None:
    made = Resource.new(MachineTypeConfig(machine_type=MachineType.WORKER), id="machine-type")
    assert resource_to_yaml(made).endswith("\nspec: worker\n")
    assert resource_to_yaml(resource_from_yaml(resource_to_yaml(made))) == resource_to_yaml(made)
