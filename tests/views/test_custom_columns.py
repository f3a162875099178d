"""`-o custom-columns`: tables whose columns are chosen, as kubectl has them."""

from __future__ import annotations

from typing import Any

import pytest

from talos_resources.model.errors import QueryError
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED, RedactedSpec, untyped_spec
from talos_resources.views.custom_columns import parse_columns, parse_template
from talos_resources.views.output import list_printer, output_of_template, parse_output
from tests.views.printed import DOWN, STATUS, UP


def _resource(yaml: str) -> Resource[Any]:
    metadata = Metadata(namespace="n", type="Things.example.dev", id="a", version=1)
    return Resource(metadata, untyped_spec(yaml, b""))


def _table(columns: str, *resources: Resource[Any]) -> str:
    printer = list_printer(parse_output(f"custom-columns={columns}"), STATUS, nodes=["cp-1"])
    return "".join(map(str, [*printer.resources("cp-1", resources), *printer.finish()]))


def test_columns_are_what_was_asked_for() -> None:
    assert _table("Peer:.spec.label,N:node,VERSION:{.metadata.version}", UP, DOWN) == (
        "Peer                           N      VERSION\n"
        "talos-default-controlplane-2   cp-1   63\n"
        "worker-1                       cp-1   1\n"
    )  # fmt: skip
    assert _table("A:metadata.version,B:.spec.state", DOWN) == "A     B\n1     down\n"  # six wide at least
    assert _table("A:.spec.x,B:.spec.y") == "A     B\n"


@pytest.mark.parametrize(
    ("yaml", "path", "cell"),
    [
        ("a: {}", ".spec.b", "<none>"),
        ("a: {}", ".spec.a.b.c", "<none>"),
        ("a: []", ".spec.a[*]", "<none>"),
        ("a: [1]", ".spec.a[3]", "<none>"),
        ("a: null", ".spec.a", "<nil>"),
        ("a: ''", ".spec.a", ""),
        ("a: false", ".spec.a", "false"),
        ("a: 0", ".spec.a", "0"),
        ("a: 1.50", ".spec.a", "1.5"),
        ("a: [x, y]", ".spec.a", "[x y]"),
        ("a: [x, y]", ".spec.a[*]", "x,y"),
        ("a: [{b: 1}, {c: 2}]", ".spec.a[*].b", "1"),
        ("a: {z: 1, b: [2]}", ".spec.a", "map[b:[2] z:1]"),
        ("a: [{n: x, v: 1}, {n: y, v: 2}]", ".spec.a[?(@.n=='y')].v", "2"),
        ("a: 2022-03-23T17:14:31.2Z", ".spec.a", "2022-03-23T17:14:31.2Z"),
        ('a: "x\\ny\\e[31m"', ".spec.a", "x\\ny\\x1b[31m"),
    ],
)
def test_cells(yaml: str, path: str, cell: str) -> None:
    assert _table(f"CELL:{path}", _resource(yaml)) == f"CELL\n{cell}\n"


def test_what_was_hidden_is_not_taken_for_missing() -> None:
    hidden = Resource(UP.metadata, RedactedSpec())
    assert _table("ID:.metadata.id,STATE:.spec.state", hidden).split()[-1] == REDACTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "custom-columns needs columns"),
        ("ID", 'custom column "ID" has no expression'),
        ("ID:.metadata.id,", 'custom column "" has no expression'),
        ("ID:", 'custom column ID: unexpected path ""'),
        ("ID:{.a", 'custom column ID: unexpected path "{.a"'),
        ("ID:.a[", "custom column ID: cannot parse"),
    ],
)
def test_columns_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=r"^" + message.replace("{", r"\{").replace(".", r"\.")):
        parse_columns(text)


def test_columns_of_a_file() -> None:
    assert output_of_template("PEER   STATE\n.spec.label  {spec.state}\n\nmore\n").columns == parse_columns(
        "PEER:.spec.label,STATE:.spec.state"
    )
    for text, message in [("A B", "a line of headings and one"), ("A B\n.a", "2 headings and 1 expressions"), ("\n\n", "0 headings")]:
        with pytest.raises(QueryError, match=message):
            parse_template(text)
