"""Kubernetes JSONPath: what kubectl's documentation and tests say, and what garbage must not do."""

from __future__ import annotations

import json
import re
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.codec.timetext import TimeText
from talos_resources.model.errors import QueryError
from talos_resources.views import jsonpath
from talos_resources.views.jsonpath.text import float_text

# The example of Kubernetes' documentation of JSONPath.
NODES: Any = json.loads(
    """{"kind": "List",
    "items": [
      {"kind": "None",
       "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
       "status": {"capacity": {"cpu": "4"}, "ready": true, "weight": 1.5,
                  "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]}},
      {"kind": "None",
       "metadata": {"name": "127.0.0.2", "labels": {"kubernetes.io/hostname": "127.0.0.2"}},
       "status": {"capacity": {"cpu": "8"}, "ready": false, "weight": 7,
                  "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.2"}, {"type": "another", "address": "127.0.0.3"}]}}],
    "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
    "letters": ["a", "b", "c", "d", "e"], "nothing": null, "empty": [], "dashed-name": 5}"""
)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("plain text }", "plain text }"),
        ("kind is {.kind}", "kind is List"),
        ("{$.kind}", "List"),
        ("{@.kind}", "List"),
        ("{ .kind }", "List"),
        ("{['kind']}", "List"),
        ('{["kind"]}', "List"),
        ("{.dashed-name}", "5"),
        ("{[ ]}", None),
        # lists
        ("{.letters[0]}", "a"),
        ("{.letters[-1]}", "e"),
        ("{.letters[-2]}", "d"),
        ("{.letters[]}", "a"),
        ("{.letters[*]}", "a b c d e"),
        ("{.letters[:]}", "a b c d e"),
        ("{.letters[1:3]}", "b c"),
        ("{.letters[:2]}", "a b"),
        ("{.letters[3:]}", "d e"),
        ("{.letters[-2:]}", "d e"),
        ("{.letters[:-3]}", "a b"),
        ("{.letters[::2]}", "a c e"),
        ("{.letters[1:4:2]}", "b d"),
        ("{.letters[2:2]}", ""),
        ("{.letters[0,2,-1]}", "a c e"),
        ("{.letters[0, 2:4]}", "a c d"),
        ("{.letters[5]}", None),
        ("{.letters[-6]}", None),
        ("{.letters[0:6]}", None),
        ("{.letters[3:1]}", None),
        ("{.letters[0:4:0]}", None),
        ("{.kind[0]}", None),
        ("{.nothing[0]}", ""),
        ("{.empty[*]}", ""),
        ("{.empty}", "[]"),
        ("{.nothing}", "null"),
        # unions of names, quoted names with dots
        ("{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'),
        (r"{.items[0].metadata.labels.kubernetes\.io/hostname}", "127.0.0.1"),
        (r"{.items[0].metadata.labels['kubernetes\.io/hostname']}", "127.0.0.1"),
        # all and everywhere
        ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.items[*].status.addresses[*].address}", "127.0.0.1 127.0.0.2 127.0.0.3"),
        ("{.users[0].*}", "myself {}"),
        ("{..address}", "127.0.0.1 127.0.0.2 127.0.0.3"),
        ("{...address}", "127.0.0.1 127.0.0.2 127.0.0.3"),
        ("{.items[1]..type}", "LegacyHostIP another"),
        ("{..cpu}", "4 8"),
        ("{..nowhere}", None),
        # filters
        ('{.users[?(@.name=="e2e")].user.password}', "secret"),
        ("{.users[?(@.name != 'e2e')].name}", "myself"),
        ("{.users[?(@.user.password)].name}", "e2e"),
        ("{.users[?(@.user.x.y.z[3])].name}", ""),
        ("{.items[?(@.status.ready==true)].metadata.name}", "127.0.0.1"),
        ("{.items[?(@..ready==true)].metadata.name}", "127.0.0.1"),
        ("{.items[?(@.status.weight>1.5)].metadata.name}", "127.0.0.2"),
        ("{.items[?(@.status.weight>=1.5)].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.items[?(@.status.weight<2)].metadata.name}", "127.0.0.1"),
        ("{.items[?(@.status.weight<=7)].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.letters[?(@>'c')]}", "d e"),
        ("{.letters[?('c'<@)]}", "d e"),
        ("{.letters[?(@=='a)b')]}", ""),
        ("{.items[?(@.status.addresses[?(@.type=='another')])].metadata.name}", "127.0.0.2"),
        ("{.letters[?(@>3)]}", None),
        ("{.letters[?(@.x=='a')]}", None),
        ("{.items[?(@.status.ready<true)]}", None),
        ("{.kind[?(@=='a')]}", None),
        ("{.nothing[?(@=='a')]}", None),
        ("{.items[?(@.status=='a')]}", None),
        # ranges and text
        ("{range .items[*]}{.metadata.name}, {end}{.kind}", "127.0.0.1, 127.0.0.2, List"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{end}', "127.0.0.1\t127.0.0.2\t"),
        ("{range .items[*]}{range .status.addresses[*]}{.address}, {end}; {end}", "127.0.0.1, ; 127.0.0.2, 127.0.0.3, ; "),
        ("{range .empty[*]}{.x}{end}", ""),
        ("{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}", '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] '),
        (r"{'a\'b'}{'\x41\101\u0042\U0001F600'}{'\\'}", "a'bAAB😀\\"),
        (r'{"\n\t\a"}', "\n\t\a"),
        ("{'{'}{'}'}", "{}"),
        ("{5}{-1.5}{+3}{true}{false}", "5-1.53truefalse"),
        # mistakes
        ("{.missing}", None),
        ("{.}", None),
    ],
)
def test_renders_like_kubectl(template: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(QueryError):
            jsonpath.compile(template).render(NODES)
    else:
        assert jsonpath.compile(template).render(NODES) == expected


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{", "unclosed action"),
        ("{.a", "unclosed action"),
        ("{.a\n}", "unclosed action"),
        ("{.a[0}", "unterminated array"),
        ("{.a['b}", "unterminated array"),
        ("{.a[x]}", "invalid array index x"),
        ("{.a[-]}", "array index - is not a number"),
        ("{.a[99999999999999999999]}", "is not a number"),
        ("{.a[?(@.b==1]}", "unrecognized"),
        ("{.a[?(@.b)}", "expected ]"),
        ("{.a[?(@.b", "unterminated filter"),
        ("{.a[?(@.b==)]}", "nothing to compare with"),
        ("{.a[?(@.b<>1)]}", "unrecognized filter operator <>"),
        ("{.a[?(@.b=~'x')]}", "unrecognized filter operator =~"),
        ("{hello}", 'unrecognized identifier "hello"'),
        ("{.....a}", "invalid multiple recursive descent"),
        ("{..*}", "unrecognized character"),
        ("{'a}", "unterminated quoted string"),
        (r"{'\q'}", "unknown escape"),
        (r"{'\"'}", "unknown escape"),
        (r"{'\ud800'}", "unknown escape"),
        ("{1.2.3}", "cannot parse number 1.2.3"),
        ("{end}", "nothing to end"),
        ("{range .a}", "{range} has no {end}"),
        ("{range .a}{end .b}", "stands alone"),
        ("{.a & .b}", "unrecognized character"),
        ("{" + "[?(@" * 100 + ")]" * 100 + "}", "more than 32 filters"),
    ],
)
def test_says_what_is_wrong_with_a_template(template: str, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        jsonpath.compile(template)
    assert problem in str(caught.value)
    assert re.search(r"at character \d+; \w", str(caught.value)), "what to do"
    assert "\n" not in str(caught.value)


def test_missing_keys_may_be_allowed() -> None:
    path = jsonpath.compile("{.a.b[0]}-{.users[?(@.x==1)].name}")
    assert path.render({"users": [{"name": "n"}]}, missing_ok=True) == "-"


def test_prints_results_on_lines_like_talosctl() -> None:
    value = {"n": None, "f": 1e21, "t": TimeText("2022-03-23T17:45:12Z"), "m": {"b": [1, "<"], "a": {}}, "s": "x"}
    assert jsonpath.compile("{.n}{.f}{.t}{.m}{.s}text").lines(value) == [
        "<nil>",
        "1e+21",
        '"2022-03-23T17:45:12Z"',
        '{\n    "a": {},\n    "b": [\n        1,\n        "\\u003c"\n    ]\n}',
        "x",
        "text",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (100000.0, "100000"),
        (1e20, "1" + "0" * 20),
        (1e21, "1e+21"),
        (-3.25, "-3.25"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (1.25e100, "1.25e+100"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_prints_floats_like_go(value: float, text: str) -> None:
    assert float_text(value) == text


def test_a_result_that_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(QueryError):
        jsonpath.compile("{.a}").render({"a": [float("nan")]})


@pytest.mark.parametrize("template", ["{" + "[0,0,0,0,0,0,0,0]" * 40 + "}", "{" + "..[0]" * 40 + "}", "{" + "..['a','a']" * 40 + "}"])
def test_results_that_multiply_are_cut_off(template: str) -> None:
    deep: Any = [[[]]]
    looped: Any = {"a": 1}
    for _ in range(30):
        deep, looped = [deep, deep], {"a": looped}
    path = jsonpath.compile(template)
    for value in ({"a": [1]}, [[[1]]], looped, deep):
        try:
            path.find(value, missing_ok=True)
        except QueryError:
            continue


def test_descends_to_any_depth() -> None:
    deep: Any = {"x": 1}
    for _ in range(50_000):
        deep = {"a": deep}
    assert jsonpath.compile("{..x}").render(deep) == "1"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
PIECES = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", "?(", ")", "'", '"', "..", ".", "a", "b", "*", ":", ",", "-1", "0", "2", "@", "$", " ", "\\", "==", "<", "!",
         "range ", "end", "{end}", "{range .a}", "[?(@.a==", "[?(@.b)]", "[*]", "{.a", "true", "\n", "\\x4", "1.5", "é", "\x00"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(template=PIECES | st.text(string.printable, max_size=12).map(lambda text: "{" + text), value=VALUES)
def test_garbage_is_an_error_or_a_value(template: str, value: Any) -> None:
    try:
        path = jsonpath.compile(template)
        assert isinstance(path.render(value), str)
        assert all(isinstance(line, str) for line in path.lines(value))
    except QueryError:
        pass


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_everything_is_found_once(value: Any) -> None:
    [found] = jsonpath.compile("{..}").find(value)
    assert len(found) == sum(1 for inner in _all(value) if isinstance(inner, str | list | dict) and inner)


def _all(value: Any) -> list[Any]:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(inner for child in children for inner in _all(child))]
