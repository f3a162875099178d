"""What `-o` prints: the guide's tables, streams, colours, pages."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import Any

import attrs
import pytest
from rich.console import Console

from talos_resources.codec.plain import resource_to_plain
from talos_resources.codec.text import documents_from_yaml, resource_to_yaml
from talos_resources.model.errors import QueryError
from talos_resources.model.kind import Column, Kind, kind_of, untyped
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec, untyped_spec
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerSpec, PeerState
from talos_resources.state.listing import ResourceList
from talos_resources.views.output import list_printer, parse_output
from tests.views.notebook import shown
from tests.views.printed import DOWN, STATUS, UNKNOWN, UP, parsed, status


def listed(output: str, *resources: Resource[Any], nodes: tuple[str, ...] = ("cp-1",), kind: Kind[Any] = STATUS) -> str:
    printer = list_printer(parse_output(output), kind, nodes=nodes)
    pieces = [piece for node in nodes for piece in printer.resources(node, resources)] + [*printer.finish()]
    return "".join(str(piece) for piece in pieces)


def on_terminal(*resources: Resource[Any], width: int, output: str = "table", no_color: bool = False) -> str:
    printer = list_printer(parse_output(output), STATUS, nodes=("cp-1",), width=width)
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system="standard", no_color=no_color, legacy_windows=False)
    for piece in [*printer.resources("cp-1", resources), *printer.finish()]:
        if isinstance(piece, str):
            file.write(piece)
        else:
            console.print(piece, soft_wrap=True)
    return file.getvalue()


def test_the_guides_table() -> None:
    assert listed("table", UP, DOWN) == (
        "ID                                             VERSION   LABEL                          ENDPOINT           STATE   RX         TX\n"
        "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=   63        talos-default-controlplane-2   172.20.0.3:51820   up      15043220   0\n"
        "b=                                             1         worker-1                       172.20.0.3:51820   down    15043220   0\n"
    )
    assert listed("table") == "ID   VERSION   LABEL   ENDPOINT   STATE   RX   TX\n"


def test_null_in_a_column_is_null_to_talosctl_and_nothing_to_us() -> None:
    columns = tuple(Column(name, path) for name, path in (("A", "{.a}"), ("B", "{.b.c}"), ("C", "{.c}"), ("D", "{.d[*]}")))
    kind = attrs.evolve(untyped("Rows.tests.talos.dev", "tests"), columns=columns)
    resource = Resource.new(untyped_spec("a: null\nb:\n    c: null\nd: [null, 1]\n"), id="r", kind=kind)
    assert listed("wide", resource, kind=kind).splitlines()[1].split() == [
        "cp-1",
        "tests",
        "Row",
        "r",
        "undefined",
        "null",
        "null",
        "null",
        "1",
    ]
    assert listed("table", resource, kind=kind).splitlines()[1].split() == ["r", "undefined", "1"]


def test_several_nodes_add_a_column() -> None:
    assert listed("table", DOWN, nodes=("cp-1", "cp-2")).splitlines()[1:] == [
        "cp-1   b=   1         worker-1   172.20.0.3:51820   down    15043220   0",
        "cp-2   b=   1         worker-1   172.20.0.3:51820   down    15043220   0",
    ]
    assert listed("wide", DOWN).splitlines()[1].split()[:4] == ["cp-1", "kubespan", "KubeSpanPeerStatus", "b="]


def test_the_guides_table_survives_hostile_names() -> None:
    hostile = DOWN.with_spec(label="a\tb\nc\x1b[31m\u202e\u2028漢")
    lines = listed("table", hostile).splitlines()
    assert len(lines) == 2
    assert r"a\tb\nc\x1b[31m\u202e\u2028漢" in lines[1]
    # talosctl's table takes cells literally.
    assert listed("wide", hostile).splitlines()[1].endswith("1         a       b")
    assert "\nc\x1b[31m\u202e" in listed("wide", hostile)


def test_columns_are_expressions_over_the_spec() -> None:
    kind: Kind[Any] = Kind(
        type="Things.talos.dev",
        namespace="runtime",
        spec=UntypedSpec,
        display_type="Thing",
        columns=(
            Column("First", "{.list[0].name}"), Column("All", "{.list[*].name}"), Column("List", "{.list}"), Column("Ready", "{.ready}"),
            Column("Null", "{.nothing}"), Column("Load", "{.load}"), Column("Odd", "{.ready[0]}"), Column("Gone", "{.a.b.c}"),
        ),
    )  # fmt: skip
    spec = UntypedSpec(yaml="list: [{name: a b}, {name: c}]\nready: true\nnothing: null\nload: 1.5e-07\n")
    thing = Resource.new(spec, id="x", kind=kind)
    [headings, row] = csv.reader(io.StringIO(listed("csv", thing, kind=kind)))
    assert headings[5:] == ["FIRST", "ALL", "LIST", "READY", "NULL", "LOAD", "ODD", "GONE"]
    assert row[5:] == ["a b", "a b c", '[{"name":"a b"},{"name":"c"}]', "true", "", "1.5e-07", "", ""]
    scalar = Resource.new(UntypedSpec(yaml="just text\n"), id="y", kind=kind)
    assert listed("table", scalar, kind=kind).splitlines()[1].split() == ["y", "undefined"]


def test_a_broken_column_is_named() -> None:
    kind = Kind(type="Things.talos.dev", namespace="r", spec=UntypedSpec, display_type="Thing", columns=(Column("Bad", "{.a"),))
    with pytest.raises(QueryError, match="column Bad"):
        list_printer(parse_output("table"), kind, nodes=["n"])


def test_streams_of_documents() -> None:
    text = listed("yaml", UP, DOWN)
    assert text == resource_to_yaml(UP, head={"node": "cp-1"}) + "---\n" + resource_to_yaml(DOWN, head={"node": "cp-1"})
    assert [document["metadata"]["id"] for document in documents_from_yaml(text)] == [UP.id, DOWN.id]
    documents = [json.loads(part + "}") for part in listed("json", UP, DOWN).split("}\n}\n") for part in [part + "}"] if part != "}"]
    assert documents == [{"node": "cp-1", **resource_to_plain(resource)} for resource in (UP, DOWN)]
    assert listed("name", UP, DOWN).splitlines() == [f"kubespanpeerstatuses.kubespan.talos.dev/{r.id}" for r in (UP, DOWN)]
    assert listed("jsonpath={.node} {.spec.state}", UP, DOWN) == "cp-1\n \nup\ncp-1\n \ndown\n"
    for output in ("yaml", "json", "name", "jsonpath={.node}"):
        assert listed(output) == ""


def test_what_was_fine_before_an_error_is_printed() -> None:
    specs = [Resource.new(KubeSpanPeerSpec(endpoints=endpoints), id="a") for endpoints in ((AddrPort.parse("10.0.0.1:1"),), ())]
    printer = list_printer(parse_output("jsonpath={.spec.endpoints[0]}"), kind_of(KubeSpanPeerSpec), nodes=["n"])
    pieces = printer.resources("n", specs)
    assert next(pieces) == "10.0.0.1:1\n"
    with pytest.raises(QueryError, match="index 0, length 0"):
        next(pieces)


def test_a_range_is_for_one_resource_as_in_talosctl() -> None:
    template = "jsonpath={range .spec['label','state']}<{@}>{end}"
    assert listed(template, DOWN) == "<\nworker-1\n>\n<\ndown\n>\n"
    with pytest.raises(QueryError, match="nothing to end"):
        listed(template, DOWN, UP)


@pytest.mark.parametrize("formula", ['=HYPERLINK("http://x")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_for_spreadsheets_has_no_formulas(formula: str) -> None:
    [row] = csv.DictReader(io.StringIO(listed("csv-safe", DOWN.with_spec(label=formula)), newline=""))
    assert row["LABEL"] == "'" + formula
    assert row["STATE"] == "down"
    [row] = csv.DictReader(io.StringIO(listed("csv", DOWN.with_spec(label=formula)), newline=""))
    assert row["LABEL"] == formula


def test_csv_reads_back() -> None:
    labels = ['quote " comma , line\nbreak', "carriage\rreturn", "\r", "\r\n", "ends\r\n"]
    hostile = [DOWN.with_spec(label=label) for label in labels]
    text = listed("csv", UP, *hostile)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["LABEL"] for row in rows] == ["talos-default-controlplane-2", *labels]
    assert text.startswith("NODE,NAMESPACE,TYPE,ID,VERSION,LABEL,ENDPOINT,STATE,RX,TX\ncp-1,")
    assert rows[0]["NODE"] == "cp-1"
    assert listed("csv") == "NODE,NAMESPACE,TYPE,ID,VERSION,LABEL,ENDPOINT,STATE,RX,TX\n"


def test_html_is_escaped_and_well_formed() -> None:
    hostile = status("<script>alert(1)</script>", '"><img src=x>', PeerState.UP)
    for html in (listed("html", hostile), shown(ResourceList([hostile])), shown(hostile)):
        tags = parsed(html)
        assert "script" not in tags.seen
        assert "img" not in tags.seen
        assert "<script>alert(1)</script>" in tags.text
    assert parsed(listed("html")).seen.count("tr") == 1
    assert parsed(shown(ResourceList([]))).seen.count("table") == 1


def test_html_has_no_secrets() -> None:
    identity = Resource.new(KubeSpanIdentity(private_key="SECRET", public_key="public"), id="local")
    secret = Resource.new(UntypedSpec(yaml="token: SECRET\n"), id="x", kind=untyped("Tokens.secrets.talos.dev", "secrets"))
    kind: Kind[Any] = Kind(
        type=secret.type,
        namespace="secrets",
        spec=UntypedSpec,
        display_type="Token",
        columns=(Column("Token", "{.token}"),),
        sensitive=True,
    )
    for html in (
        listed("html", identity, kind=kind_of(KubeSpanIdentity)), shown(identity), shown(ResourceList([identity])),
        listed("html", secret, kind=kind), shown(secret), shown(ResourceList([secret])),
    ):  # fmt: skip
        assert "SECRET" not in html
        parsed(html)


def test_colours_on_a_terminal() -> None:
    text = on_terminal(UP, DOWN, UNKNOWN, width=200)
    assert "\x1b[32mup" in text
    assert "\x1b[31mdown" in text
    assert "\x1b[33munknown" in text
    assert "\x1b[3" not in on_terminal(UP, DOWN, UNKNOWN, width=200, no_color=True)
    # Only the state is coloured, whatever else is called so.
    assert on_terminal(UP.with_spec(label="down"), width=200).count("\x1b[3") == 1


@pytest.mark.parametrize("width", [10, 40, 80, 120, 200])
def test_tables_fit_the_terminal(width: int) -> None:
    lines = (
        on_terminal(UP, DOWN, UNKNOWN, width=width, output="wide", no_color=True).replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    )
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)
    if width == 200:
        assert [line.rstrip() for line in lines] == listed("wide", UP, DOWN, UNKNOWN).splitlines()


def test_states_are_never_cut() -> None:
    lines = on_terminal(UP, DOWN, UNKNOWN, width=80, no_color=True).splitlines()
    assert [word in line for line, word in zip(lines[1:], ["up", "down", "unknown"], strict=True)] == [True] * 3


def test_long_lists_on_a_terminal_are_plain_and_complete() -> None:
    many = [status(f"{number:04}", "x" * 60, PeerState.UP) for number in range(1200)]
    text = on_terminal(*many, width=40)
    assert "\x1b" not in text
    assert text == listed("table", *many)


@pytest.mark.parametrize("text", ["", "bogus", "jsonpath", "table=", "yaml={.a}", "jsonpath={"])
def test_unknown_outputs_are_refused(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_output(text)
    assert "\n" not in str(caught.value)


def test_a_plain_table_imports_little() -> None:
    script = (
        "import sys\n"
        "from talos_resources.resources import KubeSpanPeerStatus as S\n"
        "from talos_resources.model.resource import Resource\n"
        "from talos_resources.views.output import list_printer, parse_output\n"
        "p = list_printer(parse_output('table'), S.KIND, nodes=['a'])\n"
        "print(*p.resources('a', [Resource.new(S(), id='x')]), *p.finish())\n"
        "print(sorted({'rich', 'ruamel', 'asyncio', 'decimal', 'csv'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
