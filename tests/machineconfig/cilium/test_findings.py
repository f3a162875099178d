"""Findings as text, HTML and JSON."""

from __future__ import annotations

import json

import attrs

from talos_resources.model.finding import Finding, Severity, findings_text
from talos_resources.views.findings import findings_html, findings_json
from tests.views.notebook import shown

NOTE = Finding(severity=Severity.NOTE, rule="n", title="good to know")
WARNING = Finding(severity=Severity.WARNING, rule="w", title="a warning", cause="a cause", advice="do that", guide="KubeSpan")
ERROR = Finding(severity=Severity.ERROR, rule="e", title="an error of cp-1 ↔ worker-2", evidence=("one", "two"), guide="KubeSpan")


def test_the_worst_comes_first_and_all_are_counted() -> None:
    assert findings_text([NOTE, WARNING, ERROR]) == (
        "ERROR  an error of cp-1 ↔ worker-2\n"
        "       one\n"
        "       two\n"
        "       Do:  guide: KubeSpan\n"
        "WARN   a warning\n"
        "       Why: a cause\n"
        "       Do:  do that   guide: KubeSpan\n"
        "NOTE   good to know\n"
        "1 error, 1 warning, 1 note\n"
    )
    assert findings_text([]) == "0 errors, 0 warnings\n"


def test_long_lines_are_wrapped_on_a_terminal() -> None:
    finding = Finding(severity=Severity.ERROR, rule="r", title="word " * 30, cause="why " * 40, advice="x" * 100)
    lines = findings_text([finding], width=60).splitlines()
    assert max(len(line) for line in lines if "xxx" not in line) <= 60
    assert all(line.startswith(" " * 7) for line in lines[1:-1])


def test_a_command_stays_whole_and_its_comment_stands_below_where_there_is_no_room() -> None:
    finding = Finding(severity=Severity.ERROR, rule="r", title="t", steps=(f"talosctl edit {'x' * 30}   # set this and that",))
    assert f"$ {finding.steps[0]}\n" in findings_text([finding])
    assert f"$ {finding.steps[0]}\n" in findings_text([finding], width=100)
    assert f"$ talosctl edit {'x' * 30}\n{'':14}# set this and that\n" in findings_text([finding], width=60)


def test_json_has_everything() -> None:
    found = json.loads(findings_json([WARNING, ERROR]))
    assert [item["severity"] for item in found] == ["error", "warning"]
    assert found[0]["evidence"] == ["one", "two"]


def test_as_a_table_for_notebooks_with_everything_escaped() -> None:
    hostile = attrs.evolve(ERROR, title="<b>x</b>", evidence=("<script>",), cause="a & b", advice="<i>", guide="<u>")
    table = findings_html([NOTE, hostile], heading="<h1>", blind=["<p>"])
    assert table.index("ERROR") < table.index("NOTE")
    for text in (
        "&lt;b&gt;x&lt;/b&gt;",
        "&lt;script&gt;",
        "Why: a &amp; b",
        "Do:  &lt;i&gt;   guide: &lt;u&gt;",
        "&lt;h1&gt;",
        "not known: &lt;p&gt;",
    ):
        assert text in table
    assert "1 error, 0 warnings, 1 note" in table
    assert "&lt;b&gt;x" in shown(hostile)
