"""`--sort-by`: resources in the order of a column or an expression."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.model.errors import QueryError
from talos_resources.model.kind import Column, Kind
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec, untyped_spec
from talos_resources.views.ordering import Order

KIND = Kind(
    type="Things.example.dev",
    namespace="n",
    spec=UntypedSpec,
    display_type="Thing",
    columns=(Column("Speed", "{.speed}"), Column("Both", "{.a}/{.b}")),
)


def _thing(id: str, value: Any) -> tuple[str, Resource[Any]]:
    spec = {} if value is _MISSING else {"speed": value}
    return "cp-1", Resource(
        Metadata(namespace="n", type=KIND.type, id=id, version=int(id) + 1), untyped_spec(json.dumps(spec, ensure_ascii=False), b"")
    )


_MISSING = object()


def _sorted(text: str, *values: Any) -> list[int]:
    """The indexes of the values, in their order."""
    return [
        int(resource.id) for _, resource in Order.parse(text).rows(KIND, [_thing(str(index), value) for index, value in enumerate(values)])
    ]


@pytest.mark.parametrize(
    "values",
    [
        [-3, 1, 1.5, 2, 10],
        ["-1.5", "9", "10"],
        ["worker-9", "worker-10", "worker-10a"],
        ["2022-03-23T17:14:31Z", "2022-03-23T17:14:31.10Z", "2022-03-23T17:14:31.2Z", "2022-03-23T16:14:32-01:00"],
        ["-1h", "900ms", "1s", "1m30s", "1h0m0.5s"],
        ["999 kB", "1 MB", "1.5 MB", "2 MiB", "10 GB"],
        ["10.0.0.9", "10.0.0.10", "172.20.0.2", "fe80::1%eth0", "fe80::1%eth1"],
        ["10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/8"],
        ["10.0.0.9:51820", "10.0.0.10:80", "10.0.0.10:443", "[fe80::1]:1"],
        [False, True],
        [["a", "b9"], ["a", "b10"]],
        ["10.0.0.9", "10.0.0.10", "none"],  # not all are addresses: natural texts
    ],
)
def test_values_are_compared_as_what_they_are(values: list[Any]) -> None:
    there = list(range(len(values)))
    assert _sorted("speed", *values) == there
    assert _sorted(".spec.speed", *values[::-1]) == there[::-1]


def test_what_is_missing_comes_last_and_equals_stay() -> None:
    assert _sorted("SPEED", _MISSING, 2, None, 1, "", 2) == [3, 1, 5, 0, 2, 4]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers(),
            st.booleans(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text("aé10 .:-/%", max_size=8),
            st.lists(st.integers(), max_size=2),
        )
    )
)
def test_any_mixture_has_an_order(values: list[Any]) -> None:
    if any(value not in (None, "") for value in values):
        assert sorted(_sorted("speed", *values)) == list(range(len(values)))


def test_columns_and_expressions() -> None:
    rows = [_thing("1", 1), _thing("0", 2)]
    for text in ("ID", "id", "version", "metadata.id", "{.metadata.version}"):
        assert [row[1].id for row in Order.parse(text).rows(KIND, rows)] == ["0", "1"], text
    assert [node for node, _ in Order.parse("node").rows(KIND, [("b", rows[0][1]), ("a", rows[1][1])])] == ["a", "b"]
    assert Order.parse("nowhere").rows(KIND, []) == []  # of nothing, nothing lacks a field


def test_what_cannot_be_sorted_by() -> None:
    with pytest.raises(
        QueryError, match=r"cannot sort Thing by 'nowhere': none has such a field; the columns are ID, VERSION, SPEED, BOTH"
    ):
        Order.parse("nowhere").rows(KIND, [_thing("1", 1)])
    for text in ("", "{.a", ".a["):
        with pytest.raises(QueryError, match=r"^cannot sort by"):
            Order.parse(text)
