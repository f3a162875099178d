"""Label and id queries: COSI's answers, the text form, and garbage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talos_resources.model.errors import QueryError
from talos_resources.model.labels import LabelOp, LabelQuery, LabelTerm, parse_number
from talos_resources.model.metadata import Metadata
from talos_resources.model.query import as_queries, id_search, matcher
from talos_resources.model.selector import parse_labels

RECORDED = Path(__file__).parents[1] / "data" / "cosi" / "label_terms.json"
"""What COSI's own label terms match, printed by interop/queries."""


def test_terms_match_what_cosi_matches() -> None:
    for case in json.loads(RECORDED.read_text(encoding="utf-8")):
        labels = {"other": "1"} | ({} if case["label"] is None else {"k": case["label"]})
        term = LabelTerm("k", LabelOp(case["op"]), tuple(case["values"] or ()), case["invert"])
        assert term.matches(labels) is case["match"], case


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9007199254740993Ki", 9007199254740993 * 1024),  # Go's arithmetic wraps around here
        ("-3 mi", -3 * 2**20),
        ("0" * 5000 + "1", 1),
        ("1" * 5000, None),
        ("--1", None),
        ("1\n", 1),
    ],
)
def test_numbers(text: str, number: int | None) -> None:
    assert parse_number(text) == number


EXISTS = LabelTerm("a")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a", (EXISTS,)),
        (" a , ! b ", (EXISTS, LabelTerm("b", invert=True))),
        ("a=b", (LabelTerm("a", LabelOp.EQUAL, ("b",)),)),
        ("a == b", (LabelTerm("a", LabelOp.EQUAL, ("b",)),)),
        ("a!=b", (LabelTerm("a", LabelOp.EQUAL, ("b",), invert=True),)),
        ("a=,b=", (LabelTerm("a", LabelOp.EQUAL, ("",)), LabelTerm("b", LabelOp.EQUAL, ("",)))),
        ("a in (b, c)", (LabelTerm("a", LabelOp.IN, ("b", "c")),)),
        ("a notin(b)", (LabelTerm("a", LabelOp.IN, ("b",), invert=True),)),
        ("a not in (b)", (LabelTerm("a", LabelOp.IN, ("b",), invert=True),)),
        ("in in (in)", (LabelTerm("in", LabelOp.IN, ("in",)),)),
        ("n<5", (LabelTerm("n", LabelOp.LT_NUMERIC, ("5",)),)),
        ("n<=5Gi", (LabelTerm("n", LabelOp.LTE_NUMERIC, ("5Gi",)),)),
        ("n>-5", (LabelTerm("n", LabelOp.LTE_NUMERIC, ("-5",), invert=True),)),
        ("n>=5", (LabelTerm("n", LabelOp.LT_NUMERIC, ("5",), invert=True),)),
        ("v<v2", (LabelTerm("v", LabelOp.LT, ("v2",)),)),
        ('v>"5"', (LabelTerm("v", LabelOp.LTE, ("5",), invert=True),)),
        (r'"a b"="x\"\\,y"', (LabelTerm("a b", LabelOp.EQUAL, ('x"\\,y',)),)),
        ("topology.kubernetes.io/zone=eu-1a", (LabelTerm("topology.kubernetes.io/zone", LabelOp.EQUAL, ("eu-1a",)),)),
    ],
)
def test_text_of_one_query(text: str, terms: tuple[LabelTerm, ...]) -> None:
    assert parse_labels(text) == (LabelQuery(terms),)


def test_text_of_several_queries() -> None:
    assert parse_labels("a||b,c||") == (LabelQuery((EXISTS,)), LabelQuery((LabelTerm("b"), LabelTerm("c"))), LabelQuery())
    assert as_queries("a||") == (), "one of them matches everything"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("=", "expected a label at character 1, found '='"),
        ("a,", "expected a label at character 3, found the end"),
        ("a b", "expected an operator"),
        ("a=b=c", "expected a comma or the end at character 4, found '='"),
        ("a in b", r'expected "\(" at character 6'),
        ("a in ()", "expected a value at character 7"),
        ("a in (b", r'expected "," or "\)" at character 8, found the end'),
        ("a not b", 'expected "in" after "not"'),
        ("a<", "expected a value at character 3"),
        ("!", "expected a label"),
        ("a='b'", "character 3 must be quoted"),
        ('a="b', "character 3 must be quoted"),
        ("a|b", "character 2 must be quoted"),
    ],
)
def test_what_is_wrong_is_told(text: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        parse_labels(text)


PIECES = st.sampled_from(
    ["a", "zone", "in", "not", "notin", "=", "==", "!=", "<", "<=", ">", ">=", "!", "(", ")", ",", "||", " ", '"', "\\", "5", "3Gi"]
)
LABELS = st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=4)


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=12).map("".join)), LABELS)
@example("\ud800", {})
def test_any_text_is_a_query_or_a_clear_error(text: str, labels: dict[str, str]) -> None:
    try:
        queries = parse_labels(text)
    except QueryError as error:
        assert "\n" not in error.message
        return
    for query in queries:
        assert query.matches(labels) in {True, False}


@settings(max_examples=100)
@given(st.text(max_size=20), st.text(max_size=20))
@example("(?P<\ud800>", "")
@example("(a*)*b" * 3, "a" * 50)
@example("a{1000}{1000}", "a")
def test_any_text_is_a_pattern_or_a_clear_error(pattern: str, id: str) -> None:
    try:
        search = id_search(pattern)
    except QueryError as error:
        assert "RE2 syntax" in error.message
        return
    assert search(id) in {True, False}


def test_a_term_or_its_inversion() -> None:
    term = LabelTerm("a", LabelOp.IN, ("x", "y"))
    for labels in ({}, {"a": "x"}, {"a": "z"}):
        assert term.matches(labels) is not LabelTerm("a", LabelOp.IN, ("x", "y"), invert=True).matches(labels)


def test_matchers() -> None:
    one = Metadata(namespace="n", type="t", id="one")
    assert matcher() is None
    assert matcher("") is None
    assert matcher([LabelQuery()]) is None
    for labels, ids, expected in (
        ("", "ne$", True),
        ("", "two", False),
        ("a", None, False),
        ("!a", "one", True),
        ("!a", "two", False),
        ("a||!b", None, True),
        ("a||!b", "two", False),
    ):
        matches = matcher(labels, ids)
        assert matches is not None
        assert matches(one) is expected
