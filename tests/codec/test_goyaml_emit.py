"""The YAML emitter: Go's choices, and reading back to the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.codec.goyaml.emit import dump, dump_entry, scalar
from talos_resources.codec.goyaml.floats import float_text
from talos_resources.codec.goyaml.read import load
from talos_resources.codec.goyaml.rewrite import rewrite_entry
from talos_resources.testing.strategies import TRICKY

_HOSTILE = st.text(alphabet=st.sampled_from("ab01 \t\n\r\x85\u2028\u2029'\"#:-?|>&*!%@`~<=.,[]{}\ufeff\\xyeE_+nN"), max_size=12)
_TEXTS = st.one_of(st.sampled_from(TRICKY), st.text(max_size=12), _HOSTILE)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), _TEXTS)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3), max_leaves=10)


@settings(max_examples=300)
@given(_VALUES)
def test_what_it_writes_reads_back(value: Any) -> None:
    text = dump(value)
    assert text.endswith("\n")
    assert load(text) == value
    assert load(f"key:\n{dump(value, indent=4)}") == {"key": value}
    assert load(f"key:{dump_entry(value)}") == {"key": value}
    assert load(f"key:{rewrite_entry(text)}") == {"key": value}


@settings(max_examples=300)
@given(_TEXTS)
def test_one_line_texts_read_back(text: Any) -> None:
    assert load(f"- {scalar(text)}\n") == [text]
    assert "\n" not in scalar(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'), ("a", "a"), ("=", "="), ("<", "<"), ("<<", '"<<"'), ("~", '"~"'), ("null", '"null"'), ("nULL", "nULL"),
        ("y", '"y"'), ("No", '"No"'), ("oFF", "oFF"), ("-", "'-'"), ("-a", "-a"), ("- a", "'- a'"), ("?", "'?'"), ("?a", "?a"),
        (":", "':'"), (":a", ":a"), ("a:", "'a:'"), ("a: b", "'a: b'"), ("a:b", "a:b"), ("a #b", "'a #b'"), ("a#b", "a#b"), ("#", "'#'"),
        ("...", "'...'"), ("---x", "'---x'"), ("--", "--"), ("it's", "it's"), ("'q'", "'''q'''"), ('a"b', 'a"b'), ('"q"', "'\"q\"'"),
        (" a", "' a'"), ("a ", "'a '"), ("a\tb", '"a\\tb"'), ("a\rb", '"a\\rb"'), ("\x85", '"\\N"'), ("a\xa0b", "a\xa0b"),
        ("\x1b\0", '"\\e\\0"'), ("😀", '"\\U0001F600"'), ("a\ufeffb", '"a\\uFEFFb"'), ("\ufeffab", '"\\uFEFF\\x61\\x62"'),
        ("1", '"1"'), ("09", '"09"'), ("0x", "0x"), ("0x1F", '"0x1F"'), ("0X1F", '"0X1F"'), ("0o17", '"0o17"'), ("0b1", '"0b1"'),
        ("-0b1", '"-0b1"'), ("1_0", '"1_0"'), ("1e3", '"1e3"'), ("1E5", '"1E5"'), ("1e999", "1e999"), (".5", '".5"'), (".1_", ".1_"),
        (".5_0", '".5_0"'), (".e5", ".e5"), ("+.inf", '"+.inf"'), (".Nan", ".Nan"), ("0xFFFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFFFF"),
        ("12:30", '"12:30"'), ("190:20:30", '"190:20:30"'), ("1:99", "1:99"), ("172.20.0.3:51820", "172.20.0.3:51820"),
        ("2022-03-23", '"2022-03-23"'), ("2020-1-1 1:2:3", '"2020-1-1 1:2:3"'), ("2020-13-1", "2020-13-1"),
        ("2020-01-01T01:02:03z", "2020-01-01T01:02:03z"), ("fd00::", "'fd00::'"), ("fd00::1", "fd00::1"),
        ("[fd00::1]:1", "'[fd00::1]:1'"),
        ("!10.0.0.0/8", "'!10.0.0.0/8'"),
        ("06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI="),
    ],
)  # fmt: skip
def test_scalars(text: Any, written: Any) -> None:
    assert scalar(text) == written
    assert dump({"k": text}) == f"k: {written}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": {"b": [1, {"c": [], "d": {}}]}}, "a:\n    b:\n        - 1\n        - c: []\n          d: {}\n"),
        ([{"a": {"b": "c"}, "d": [1, [2, {}], []]}], "- a:\n    b: c\n  d:\n    - 1\n    - - 2\n      - {}\n    - []\n"),
        ([[{"a": {"b": ["c"]}}]], "- - a:\n        b:\n            - c\n"),
        ({"a": "x\ny"}, "a: |-\n    x\n    y\n"),
        ({"a": "x\n"}, "a: |\n    x\n"),
        ({"a": "x\n\n"}, "a: |+\n    x\n\n"),
        ({"a": "\nx"}, "a: |4-\n\n    x\n"),
        ({"a": " x\ny"}, "a: |4-\n     x\n    y\n"),
        ([" x\ny"], "- |2-\n   x\n  y\n"),
        ([{"a": " x\ny"}], "- a: |2-\n     x\n    y\n"),
        ({"a": "\tx\ny"}, "a: |4-\n    \tx\n    y\n"),
        ({"a": "x \ny"}, 'a: "x \\ny"\n'),
        ({"a": "x\ny "}, 'a: "x\\ny "\n'),
        ({"a": "\n\n"}, 'a: "\\n\\n"\n'),
        ({"a": "\u2028x"}, "a: '\u2028    x'\n"),
        ({"a": "x\u2028y\nz"}, "a: |-\n    x\u2028    y\n    z\n"),
        ({"a\nb": {"c": 1, "d": [2]}}, "? |-\n    a\n    b\n:   c: 1\n    d:\n        - 2\n"),
        ({"a\nb": []}, "? |-\n    a\n    b\n: []\n"),
        ({"k" * 129: 1}, f"? {'k' * 129}\n: 1\n"),
        ({"k" * 128: 1}, f"{'k' * 128}: 1\n"),
        ({1: True, None: 1.5, False: None}, "1: true\nnull: 1.5\nfalse: null\n"),
        ("x\ny", "|-\n    x\n    y\n"),
        ({}, "{}\n"),
        ([], "[]\n"),
    ],
)
def test_documents(value: Any, written: Any) -> None:
    assert dump(value) == written
    assert load(written) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1"), (-0.0, "-0"), (1e5, "100000"), (1e6, "1e+06"), (123456.75, "123456.75"), (1.5e-7, "1.5e-07"), (0.0001, "0.0001"),
        (0.00001, "1e-05"), (1e20, "1e+20"), (1234567.5, "1.2345675e+06"), (5e-324, "5e-324"), (float("nan"), ".nan"),
        (float("-inf"), "-.inf"),
    ],
)  # fmt: skip
def test_floats(value: Any, written: Any) -> None:
    assert float_text(value) == written


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError, match="YAML cannot hold a bytes"):
        dump({"a": b"x"})


def test_rewriting_keeps_what_scalars_look_like() -> None:
    text = (
        "mode: 0o644\nsize: 1.50\nnone: ~\nempty:\nplain: 'a'\nquoted: \"b\"\nlist: [1, {a: b}]\nfolded: >-\n  a\n  b\nbin: !!binary YQ==\n"
    )
    assert rewrite_entry(text + "one: &x {c: d}\ntwo: *x\n") == (
        "\n    mode: 0o644\n    size: 1.50\n    none: ~\n    empty:\n    plain: 'a'\n    quoted: \"b\"\n"
        "    list:\n        - 1\n        - a: b\n    folded: a b\n    bin: !!binary YQ==\n    one:\n        c: d\n    two:\n        c: d\n"
    )
    assert rewrite_entry("") == " null\n"
    assert rewrite_entry("{}") == " {}\n"


@pytest.mark.parametrize(
    ("key", "simple"),
    [
        (r'"\x01' + r"\x01" * 127 + '"', True),  # 128 bytes, however long it looks
        (r'"' + r"\x01" * 129 + '"', False),
        ("k" * 128, True),
        ("k" * 129, False),
        ("\u00e9" * 65, False),
        (r'"\r"', False),
        (r'"a\Nb"', False),
        (r'"a\Lb"', False),
        (r'"a\tb"', True),
    ],
)
def test_rewriting_knows_simple_keys_by_their_text(key: str, simple: bool) -> None:
    """As go.yaml.in/yaml/v4 writes the same nodes."""
    given = f"? {key}\n: 1\n"
    assert rewrite_entry(given) == (f"\n    {key}: 1\n" if simple else f"\n    ? {key}\n    : 1\n")
    assert load(rewrite_entry(given)) == load(given)


def test_keys_that_are_no_simple_ones_are_folded_too() -> None:
    key = "word " * 29 + "end"
    assert dump({key: 1}, width=80) == f"? {'word ' * 15}word\n    {'word ' * 13}end\n: 1\n"
    assert dump({key: 1}) == f"? {key}\n: 1\n"
    simple = "word " * 20 + "end"
    assert dump({simple: 1}, width=80) == f"{simple}: 1\n"
