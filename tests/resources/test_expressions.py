"""CEL expressions: nodes send them checked and encoded, and their text in the YAML alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos_resources import Resource
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.codec.text import resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.sent import sent_yaml
from talos_resources.model.values import Expression
from talos_resources.resources import MDArraySpec, VolumeConfig
from talos_resources.resources.block.volume_config import DiskSelector, LocatorSpec, ProvisioningSpec
from talos_resources.resources.storage.md_array_spec import MDMetadata

NVME = Expression(text='disk.transport == "nvme" && !disk.readonly', checked=b"\x12\x04\x10\x01\x1a\x00")
ROOT = Expression(text='volume.partition_label == "ROOT"', checked=b"\x12\x02\x10\x07")
SPECS: list[Any] = [
    VolumeConfig(locator=LocatorSpec(match=ROOT, disk_match=NVME), provisioning=ProvisioningSpec(disk_selector=DiskSelector(match=NVME))),
    VolumeConfig(locator=LocatorSpec(match=ROOT)),
    MDArraySpec(volume_selector=ROOT),
]
by_spec = pytest.mark.parametrize("spec", SPECS, ids=["all", "one", "inline"])


def _sent(spec: Any) -> Resource[Any]:
    """As it comes from a node: a message and YAML, in a resource that has not been looked at."""
    sent = resource_from_wire(resource_to_wire(Resource.new(spec, id="EPHEMERAL")))
    assert sent_yaml(sent)
    return sent


@by_spec
def test_the_text_is_that_of_the_yaml(spec: Any) -> None:
    assert _sent(spec).spec == spec


@by_spec
def test_it_survives_a_change_and_the_wire(spec: Any) -> None:
    changed = _sent(spec).with_spec(**({"parent_id": "u"} if isinstance(spec, VolumeConfig) else {"metadata": MDMetadata.V1_2}))
    assert sent_yaml(changed) is None
    assert ROOT.text in resource_to_yaml(changed)
    again = resource_from_wire(resource_to_wire(changed))
    assert (again.spec, again.spec == spec) == (changed.spec, False)


@by_spec
def test_stores_keep_the_text(tmp_path: Path, spec: Any) -> None:
    made: Resource[Any] = Resource.new(spec, id="EPHEMERAL")
    with SqliteState(str(tmp_path / "state.db")) as state:
        state.restore([made])
    with SqliteState(str(tmp_path / "state.db")) as state:
        assert state.get(type(spec), "EPHEMERAL").spec == spec


def test_without_yaml_only_the_encoded_form_is_known() -> None:
    (found,) = [resource_from_wire(resource_to_wire(Resource.new(MDArraySpec(volume_selector=Expression(checked=b"x")), id="md0")))]
    assert found.spec.volume_selector == Expression(checked=b"x")


def test_a_text_that_nobody_checked_is_kept_where_there_is_yaml() -> None:
    spec = VolumeConfig(locator=LocatorSpec(match=Expression("disk.rotational")))
    assert _sent(spec).spec == spec
