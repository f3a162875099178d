"""JSON as Go writes it, and a strict reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.codec import gojson
from talos_resources.codec.plain import resource_from_plain
from talos_resources.codec.text import resource_to_json
from talos_resources.model.errors import DecodeError
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.testing.strategies import texts

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_it_reads_back(value: Any) -> None:
    for indent in (4, None):
        text = gojson.dumps(value, indent=indent)
        assert gojson.loads(text) == value
        assert json.loads(text) == value


def test_layout() -> None:
    assert gojson.dumps({"b": [1, {}], "a": [], "C": {"x": None}}) == (
        '{\n    "C": {\n        "x": null\n    },\n    "a": [],\n    "b": [\n        1,\n        {}\n    ]\n}'
    )
    assert gojson.dumps({"b": [1, {}], "a": "x"}, indent=None) == '{"a":"x","b":[1,{}]}'
    assert gojson.dumps({"b": 1, "a": 2}, indent=None, sort_keys=False) == '{"b":1,"a":2}'


def test_escapes() -> None:
    assert gojson.dumps('<>&\u2028\u2029\x00\x1f\x7f\b\f\n\r\t"\\é😀') == (
        '"\\u003c\\u003e\\u0026\\u2028\\u2029\\u0000\\u001f\x7f\\b\\f\\n\\r\\t\\"\\\\é😀"'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1"), (-0.0, "-0"), (1.5, "1.5"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e21, "1.5e+21"), (1e-6, "0.000001"),
        (1e-7, "1e-7"), (1.25e-7, "1.25e-7"), (0.00001234, "0.00001234"), (-1.5e-6, "-0.0000015"), (123456789.125, "123456789.125"),
    ],
)  # fmt: skip
def test_floats(value: Any, written: Any) -> None:
    assert gojson.dumps(value) == written


def test_what_json_cannot_hold() -> None:
    for value in (float("nan"), float("inf"), b"x", {"a": object()}, {(): 1}):
        with pytest.raises(TypeError, match="JSON cannot"):
            gojson.dumps(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1: not JSON"),
        ("{\n,}", "f:2: not JSON"),
        ("NaN", "f: NaN is no JSON number"),
        ('{"a": 1, "a": 2}', "f: key 'a' is there twice"),
        ("[" * 100_000, "f: nested too deeply"),
        ("1" * 5000, "f: not JSON"),
        (b"\xff", "f: byte 0xff is not valid UTF-8"),
        ('{"a": ["\\uD83D\\uDE00 \\uD83d"]}', "f: an escape, \\ud83d, that is half of a character"),
        ('{"\\udc00": 1}', "f: an escape, \\udc00, that is half of a character"),
    ],
)
def test_errors(text: Any, message: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        gojson.loads(text, source="f")
    assert str(caught.value).startswith(message)


_MEMBERS = "Members.cluster.talos.dev"
_GARBAGE = st.one_of(
    st.text(alphabet='{}[]":,0123456789.eE+-nultrfasmdp\\ \n', max_size=40),
    st.binary(max_size=40),
    _VALUES.map(lambda value: json.dumps({"metadata": value, "spec": value})),
    _VALUES.map(
        lambda value: json.dumps({"metadata": {"type": "Members.cluster.talos.dev", "labels": value}, "spec": {"addresses": value}})
    ),
)


@given(_GARBAGE)
def test_garbage_is_a_value_or_a_decode_error(data: Any) -> None:
    try:
        resource_from_plain(gojson.loads(data))
    except DecodeError as error:
        assert str(error)


def test_a_resource_that_json_cannot_hold_is_named() -> None:
    resource = Resource(Metadata(namespace="test", type="Cassettes.test.talos.dev", id="a"), UntypedSpec("length: .inf\n"))
    with pytest.raises(DecodeError, match="Cassettes.test.talos.dev a: JSON cannot hold NaN or an infinity"):
        resource_to_json(resource)
