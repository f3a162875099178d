"""The YAML reader: Go's resolution, errors with lines, bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.codec.goyaml.read import load, load_all
from talos_resources.codec.plain import resource_from_plain
from talos_resources.codec.text import documents_from_yaml
from talos_resources.codec.timetext import TimeText
from talos_resources.model.errors import DecodeError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("Null", None), ("nULL", "nULL"), ("true", True), ("True", True), ("tRUE", "tRUE"), ("yes", "yes"),
        ("=", "="), ("<", "<"), ("1", 1), ("+1", 1), ("-1", -1), ("0x1F", 31), ("-0x1f", -31), ("0o17", 15), ("017", 15), ("0b101", 5),
        ("1_000", 1000), ("09", 9.0), ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -(2.0**63)), ("0x1FFFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFFF"), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5),
        ("1e3", 1000.0), ("1e", "1e"), ("1e999", "1e999"), (".inf", math.inf), ("-.INF", -math.inf), ("12:30", "12:30"), ("a=b", "a=b"),
        ("2022-03-23", TimeText("2022-03-23T00:00:00Z")), ("2022-3-2", TimeText("2022-03-02T00:00:00Z")),
        ("2022-03-23T17:45:12.120Z", TimeText("2022-03-23T17:45:12.12Z")),
        ("2022-03-23t17:45:12+02:00", TimeText("2022-03-23T17:45:12+02:00")),
        ("2022-03-23 17:45:12", TimeText("2022-03-23T17:45:12Z")), ("2022-03-23T17:45:12", "2022-03-23T17:45:12"),
        ("2022-02-30", "2022-02-30"),
        ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("!!int '1'", 1), ("!!float 1", 1.0), ("!!binary YQ==", "a"),
        ("[1, a, {b: c}]", [1, "a", {"b": "c"}]),
    ],
)  # fmt: skip
def test_resolution(text: Any, value: Any) -> None:
    found = load(f"k: {text}")["k"]
    assert found == value
    assert type(found) is type(value)


def test_merge_keys() -> None:
    assert load("a: &x {b: 1, d: 1}\nc: {<<: *x, d: 2}") == {"a": {"b": 1, "d": 1}, "c": {"d": 2, "b": 1}}
    assert load("'<<': 1") == {"<<": 1}


def test_nan() -> None:
    assert math.isnan(load(".NaN"))


def test_documents() -> None:
    assert load_all("a\n---\n---\n{}\n...\n") == ["a", None, {}]
    assert load_all("") == []
    assert load("# nothing") is None
    with pytest.raises(DecodeError, match="f:3: expected one document, found another"):
        load("a\n---\nb\n", source="f")


_MERGES = "a0: &a0 {x: 1}\nb0: &b0 {y: 1}\n" + "".join(
    f"{name}{n}: &{name}{n} {{<<: [*a{n - 1}, *b{n - 1}]}}\n" for n in range(1, 30) for name in "ab"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "f:3: not YAML"),
        ("a: 1\n\tb: 2", "f:2: not YAML"),
        ("a: 1\na: 2", 'f:2: mapping key "a" already defined at line 1'),
        ("a: *x", "f:1: an alias names no anchor; quote a value that begins with *"),
        ("a: &x\n  b: *x", "f:2: anchor &x contains itself"),
        ("a: !!int x", "f:1: cannot decode 'x' as a !!int"),
        (b"a: \xff", "f:1: byte 0xff is not valid UTF-8"),
        (b"\x00", "f:1: not YAML"),
        ("[" * 100_000, "f:1: nested deeper than 200 levels"),
        ("{a: " * 300, "f:1: nested deeper than 200 levels"),
        (
            "\n".join(["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]),
            "aliases expand to too many values",
        ),
        (_MERGES, "aliases expand to too many values"),
        ("a0: &a0 " + "[" * 150 + "]" * 150 + "\na1: " + "[" * 150 + "*a0" + "]" * 150, "f:2: nested deeper than 200 levels"),
    ],
)
def test_errors_tell_the_line(text: Any, message: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        load(text, source="f")
    assert message in str(caught.value)


def test_aliases_are_for_values_that_stay_small() -> None:
    assert load("a: &x [1, 2]\nb: [*x, *x]") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


_FRAGMENTS = st.sampled_from(
    ["a", "b: ", ": ", "- ", "? ", "[", "]", "{", "}", ",", "\n", "\n  ", "    ", "\t", "'", '"', "|\n", ">-\n ", "&x ", "*x", "<<: ",
     "!!int ", "!<", "%YAML 1.1\n", "---\n", "...\n", "#c\n", "\\", "\\x", "\x00", "\u2028", "\ufeff", "~", "1e5", "metadata:\n",
     "  type: A.b.c\n", "spec: "]
)  # fmt: skip
_GARBAGE = st.one_of(st.lists(_FRAGMENTS, max_size=25).map("".join), st.text(max_size=60), st.binary(max_size=60))


@given(_GARBAGE)
def test_garbage_is_a_value_or_a_decode_error(data: Any) -> None:
    try:
        load_all(data)
        for document in documents_from_yaml(data):
            resource_from_plain(document)
    except DecodeError as error:
        assert str(error)
