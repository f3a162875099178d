"""Records and the data frames that are made of them."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.records import record_columns, records
from talos_resources.insight.findings import Findings
from talos_resources.model.errors import UnsupportedError
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.frames import columns
from talos_resources.model.kind import typed_kinds
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanAffiliate, KubeSpanPeerStatus, LinkStatus, PeerState, SecretStatus
from talos_resources.sources import open_source
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Event, Updated
from talos_resources.state.listing import ResourceList

SINCE = Timestamp.parse("2026-11-26T02:14:31.123456789Z")


def state(count: int = 3) -> MemoryState:
    made = MemoryState()
    for number in range(count):
        spec = KubeSpanPeerStatus(label=f"worker-{number}", state=PeerState.UP, receive_bytes=number, last_handshake_time=SINCE)
        made.create(Resource.new(spec, id=f"{number:02}"))
    return made


def test_polars() -> None:
    frame = state().list(KubeSpanPeerStatus).to_polars()
    assert frame.shape == (3, 11)
    assert frame.schema["last_handshake_time"].to_python() is dt.datetime
    assert frame["receive_bytes"].sum() == 3
    assert frame["last_endpoint_change"].null_count() == 3


def test_pandas() -> None:
    frame = state().list(KubeSpanPeerStatus).to_pandas()
    assert frame.shape == (3, 11)
    assert str(frame["last_handshake_time"].dtype).startswith("datetime64[")
    assert frame["label"].tolist() == ["worker-0", "worker-1", "worker-2"]


def test_arrow() -> None:
    table = state().list(KubeSpanPeerStatus).to_arrow()
    assert table.num_rows == 3
    assert str(table.schema.field("last_handshake_time").type) == "timestamp[us, tz=UTC]"
    assert table["receive_bytes"].to_pylist() == [0, 1, 2]


def test_a_list_of_nothing_has_the_columns_of_its_kind() -> None:
    with open_source("demo") as cluster:
        node, every = cluster.state(cluster.nodes[0]), cluster.list(KubeSpanPeerStatus)
        of_a_node, of_all = tuple(node.list(KubeSpanPeerStatus).records()[0]), tuple(every.records()[0])
        lists: list[tuple[ResourceList[Any] | Findings, tuple[str, ...]]] = [
            (MemoryState().list(KubeSpanPeerStatus), of_a_node),
            (state().list(KubeSpanPeerStatus, ids="nothing"), of_a_node),
            (node.list(KubeSpanPeerStatus, labels="nothing=there"), of_a_node),
            (cluster.list(KubeSpanPeerStatus, ids="nothing"), of_all),
            (Findings(), tuple(Finding(severity=Severity.NOTE, rule="r", title="t").to_record())),
        ]
    for nothing, names in lists:
        assert len(nothing) == 0
        assert nothing.to_polars().shape == (0, len(names))
        assert tuple(nothing.to_polars().columns) == tuple(nothing.to_pandas().columns) == names
        assert tuple(nothing.to_arrow().column_names) == names


def test_the_columns_of_a_class_are_those_of_its_records() -> None:
    for kind in typed_kinds():
        assert record_columns(kind.spec) == tuple(records([Resource.new(kind.spec(), id="a", kind=kind)])[0]), kind.type


def test_structures_have_the_same_convention() -> None:
    spec = Affiliate(node_id="n", kubespan=KubeSpanAffiliate(public_key="k="))
    [record] = records([Resource.new(spec, id="n")])
    assert record["kubespan"] == {
        "public_key": "k=",
        "address": None,
        "additional_addresses": [],
        "endpoints": [],
        "exclude_advertised_networks": [],
    }


def test_with_one_switch_json_takes_them() -> None:
    [record] = records(state(1).list(KubeSpanPeerStatus), json=True)
    assert record["last_handshake_time"] == "2026-11-26T02:14:31.123456789Z", "with all its nanoseconds"
    assert record["last_endpoint_change"] is None
    assert json.loads(json.dumps(record)) == record


def test_every_type_of_the_demo_has_frames_and_json() -> None:
    with open_source("demo") as cluster:
        held = [resources for kind in typed_kinds() if (resources := cluster.list(kind))]
        assert len(held) > 8
        for resources in held:
            json.dumps(resources.records(json=True))
            assert resources.to_polars().height == resources.to_arrow().num_rows == len(resources.to_pandas()) == len(resources)
        mesh = cluster.mesh()
        json.dumps(mesh.records(json=True))
        assert mesh.to_polars().height == 20
        assert isinstance(mesh.records()[0]["last_handshake"], dt.datetime)


def test_events() -> None:
    made = state(2)
    events: list[Event[KubeSpanPeerStatus]] = []
    with made.watch_kind(KubeSpanPeerStatus) as watch:
        made.update(made.get(KubeSpanPeerStatus, "01").with_spec(state=PeerState.DOWN))
        made.destroy(KubeSpanPeerStatus, "00")
        events += [watch.next(5) for _ in range(5)]
    assert [type(event) for event in events] == [Created, Created, Bootstrapped, Updated, Destroyed]
    found = records(events)
    assert [(each["event"], each.get("id"), each.get("state")) for each in found] == [
        ("created", "00", "up"),
        ("created", "01", "up"),
        ("bootstrapped", None, None),
        ("updated", "01", "down"),
        ("destroyed", "00", "up"),
    ]
    assert list(found[0])[:3] == ["event", "type", "id"]


def test_findings() -> None:
    [record] = records([Finding(severity=Severity.ERROR, rule="r", title="t", nodes=("cp-1",))])
    assert {key: record[key] for key in ("severity", "rule", "title", "nodes", "evidence")} == {
        "severity": "error",
        "rule": "r",
        "title": "t",
        "nodes": ["cp-1"],
        "evidence": [],
    }


def test_what_has_no_record() -> None:
    things: Any = [5]
    with pytest.raises(TypeError, match=r"^5 has no record; records\(\) takes resources, events"):
        records(things)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], [1, 2.5, None]),
        ([1, "up", None], ["1", "up", None]),
        ([True, 1], ["true", "1"]),
        ([[1], ["a"]], ["[1]", '["a"]']),
        ([{"a": 1}, {"b": "x"}], [{"a": 1}, {"b": "x"}]),
        ([{"a": 1}, {"a": "x"}], ['{"a": 1}', '{"a": "x"}']),
        ([{}], ["{}"]),
        ([2**64 - 1], ["18446744073709551615"]),
        ([dt.datetime(2026, 1, 2, tzinfo=dt.UTC), 1], ['"2026-01-02 00:00:00+00:00"', "1"]),
    ],
)
def test_a_column_is_of_one_kind(values: list[Any], expected: list[Any]) -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    found = columns([{"x": value} for value in values])["x"]
    assert found == expected
    assert pl.Series("x", found, strict=False).len() == len(pa.array(found)) == len(values)


@pytest.mark.parametrize(("module", "method"), [("polars", "to_polars"), ("pandas", "to_pandas"), ("pyarrow", "to_arrow")])
def test_what_is_not_installed_is_named(module: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnsupportedError, match=rf"{method}\(\) needs {module}; pip install 'talos-resources\[data\]'"):
        getattr(state().list(KubeSpanPeerStatus), method)()


def test_a_field_that_is_called_as_something_of_the_resource_hides_it_not() -> None:
    made = MemoryState()
    made.create(Resource.new(SecretStatus(version="v7", ready=True), id="a"))
    [record] = made.list(SecretStatus).records()
    assert (record["version"], record["resource_version"]) == ("v7", 1)
    assert tuple(record) == record_columns(SecretStatus)
    event = records([Created(made.get(SecretStatus, "a"))])[0]
    assert (event["version"], event["resource_version"]) == ("v7", 1)
    link = records([Created(Resource.new(LinkStatus(), id="eth0"))])[0]
    assert link["resource_type"] == "LinkStatuses.net.talos.dev"
    assert link["type"] == LinkStatus().type
    assert link["version"] == 0


@pytest.mark.parametrize("cls", [kind.spec for kind in typed_kinds()], ids=lambda cls: cls.__name__)
def test_no_column_is_there_twice(cls: type[Any]) -> None:
    columns = record_columns(cls)
    assert len(columns) == len(set(columns)) >= 3
