"""What `-w` prints: tables that grow, streams of documents, colours."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from talos_resources.codec.text import documents_from_yaml
from talos_resources.model.metadata import Reference
from talos_resources.releases import Release, known_release
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop, Updated
from talos_resources.views.output import FORMATS, parse_output, watch_printer
from tests.views.printed import DOWN, STATUS, UNKNOWN, UP, parsed


def watched(
    output: str, *events: AnyEvent, nodes: tuple[str, ...] = ("cp-1",), single: bool = False, compat: Release | None = None
) -> list[str]:
    """What each event prints, and what the end prints."""
    printer = watch_printer(parse_output(output)._replace(compat=compat), STATUS, nodes=nodes, single=single)
    texts = ["".join(map(str, printer.event(node, event))) for event in events for node in nodes]
    return [*texts, "".join(map(str, printer.finish()))]


def test_a_watch_of_talosctl() -> None:
    assert watched("wide", Created(UP), Created(DOWN), Bootstrapped(), Updated(DOWN, None), Noop(), Destroyed(DOWN.reference, DOWN)) == [
        "",
        "",
        (
            "NODE   *   NAMESPACE   TYPE                 ID                                             VERSION   LABEL                          ENDPOINT           STATE   RX         TX\n"
            "cp-1   +   kubespan    KubeSpanPeerStatus   06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=   63        talos-default-controlplane-2   172.20.0.3:51820   up      15043220   0\n"
            "cp-1   +   kubespan    KubeSpanPeerStatus   b=                                             1         worker-1                       172.20.0.3:51820   down    15043220   0\n"
        ),
        "cp-1       kubespan   KubeSpanPeerStatus   b=   1   worker-1   172.20.0.3:51820   down   15043220   0\n",
        "",
        "cp-1   -   kubespan   KubeSpanPeerStatus   b=   1   worker-1   172.20.0.3:51820   down   15043220   0\n",
        "",
    ]


def test_the_watch_of_one_resource_is_a_table_for_each_line() -> None:
    first, second, end = watched("wide", Created(DOWN), Updated(UNKNOWN, DOWN), single=True)
    assert [line.split()[1] for line in first.splitlines()] == ["*", "+"]
    assert second.split()[1] == "kubespan"
    assert end == ""


def test_the_watch_of_one_resource_was_one_table_in_the_end() -> None:
    *news, end = watched("wide", Created(DOWN), Updated(UNKNOWN, DOWN), single=True, compat=known_release("v1.12"))
    assert news == ["", ""]
    assert [line.split()[1] for line in end.splitlines()] == ["*", "+", "kubespan"]


def test_a_watch_stays_aligned() -> None:
    texts = watched("table", Created(UP), Bootstrapped(), Updated(DOWN, None), Created(UNKNOWN), Destroyed(UP.reference, UP))
    lines = "".join(texts).splitlines()
    assert texts[0] == ""
    assert len(texts[1].splitlines()) == 2
    assert {line.index(word) for line, word in zip(lines, ["STATE", "up", "down", "unknown", "up"], strict=True)} == {
        lines[0].index("STATE")
    }
    assert [line[0] for line in lines] == ["*", "+", " ", "+", "-"]


def test_a_watch_of_several_nodes_waits_for_each() -> None:
    printer = watch_printer(parse_output("table"), STATUS, nodes=("a", "b"))
    assert [*printer.event("a", Created(DOWN)), *printer.event("a", Bootstrapped()), *printer.event("b", Created(UP))] == []
    [text] = printer.event("b", Bootstrapped())
    assert [line.split()[0] for line in str(text).splitlines()] == ["NODE", "a", "b"]


def test_the_watch_of_one_resource_shows_each_event_at_once() -> None:
    texts = watched("table", Created(DOWN), Updated(UNKNOWN, DOWN), single=True)
    assert [len(text.splitlines()) for text in texts] == [2, 1, 0]


def test_a_resource_that_is_not_there_is_a_tombstone() -> None:
    gone = Destroyed[Any](Reference("kubespan", STATUS.type, "gone"), None)
    [row, _] = watched("table", gone, single=True)
    assert row.splitlines()[1].split() == ["-", "gone", "undefined"]
    assert "event: destroyed" in watched("yaml", gone)[0]
    assert json.loads(watched("json", gone)[0])["metadata"]["version"] == "undefined"
    assert watched("csv", gone)[0].splitlines()[1].startswith("cp-1,destroyed,kubespan,KubeSpanPeerStatus,gone,undefined,")


def test_every_format_can_watch() -> None:
    events: list[AnyEvent] = [Created(UP), Bootstrapped(), Updated(DOWN, None), Destroyed(DOWN.reference, DOWN)]
    for form in FORMATS:
        if form.endswith("=FILE"):
            continue  # what is in the file is another of these
        output = form.replace("TEMPLATE", "{.event}{.metadata.id}").replace("PATH", ".event,ID:.metadata.id")
        text = "".join(watched(output, *events))
        assert text.count(UP.id) == 1
        assert text.count(DOWN.id) == 2
    assert [document["event"] for document in documents_from_yaml("".join(watched("yaml", *events)))] == ["created", "updated", "destroyed"]
    assert [row["EVENT"] for row in csv.DictReader(io.StringIO("".join(watched("csv", *events))))] == ["created", "updated", "destroyed"]
    parsed("".join(watched("html", *events)))


def test_a_watch_on_a_terminal() -> None:
    printer = watch_printer(parse_output("wide"), STATUS, nodes=("a",), width=70)
    lines = [
        *printer.event("a", Created(UP)),
        *printer.event("a", Bootstrapped()),
        *printer.event("a", Updated(DOWN, None)),
        *printer.finish(),
    ]
    texts = [str(line) for line in lines]
    assert len(texts) == 3
    assert all(len(text) <= 70 for text in texts)
    assert {text.index(word) for text, word in zip(texts, ["NAME", "kube", "kube"], strict=True)} == {texts[0].index("NAME")}
