"""Several kinds printed one after the other, and followed together."""

from __future__ import annotations

import pytest

from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.resources import Member
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Noop, Updated
from talos_resources.views.output import parse_output
from talos_resources.views.several import SeveralWatchPrinter
from tests.views.printed import DOWN, STATUS

MEMBER = kind_of(Member)
NEW = Resource.new(Member(hostname="a"), id="a")


def _followed(output: str, *events: tuple[str, AnyEvent], width: int | None = None) -> list[str]:
    nodes = {kind.type: ["cp-1"] for kind in (STATUS, MEMBER)}
    printer = SeveralWatchPrinter(parse_output(output), (STATUS, MEMBER), nodes=nodes, single=False, width=width)
    texts = ["".join(f"{piece}" for piece in printer.event(about, "cp-1", event)) for about, event in events]
    return [*texts, "".join(map(str, printer.finish()))]


_EVENTS: list[tuple[str, AnyEvent]] = [
    (STATUS.type, Created(DOWN)),
    (STATUS.type, Bootstrapped()),
    (MEMBER.type, Created(NEW)),
    (STATUS.type, Noop()),
    (MEMBER.type, Bootstrapped()),
    (STATUS.type, Updated(DOWN, DOWN)),
    (STATUS.type, Updated(DOWN, DOWN)),
    (MEMBER.type, Updated(NEW, NEW)),
]


@pytest.mark.parametrize("width", [None, 120])
@pytest.mark.parametrize("output", ["table", "wide", "csv"])
def test_headings_come_again_where_the_kind_changes(output: str, width: int | None) -> None:
    texts = _followed(output, *_EVENTS, width=None if output == "csv" else width)
    kinds = ["MACHINE TYPE" in text for text in texts if "VERSION" in text]
    assert kinds == [False, True, False, True]
    assert sum("VERSION" in text for text in texts[6:7]) == 0  # the same kind goes on
    if width is None:
        assert [text.startswith("\n") for text in texts if "VERSION" in text] == [False, True, True, True]


def test_a_page_has_a_table_for_each_turn() -> None:
    page = "".join(_followed("html", *_EVENTS))
    assert (page.count("<table"), page.count("</table>"), page.count("<!DOCTYPE"), page.count("</html>")) == (4, 4, 1, 1)


@pytest.mark.parametrize("output", ["name", "json", "yaml", "custom-columns=ID:.metadata.id"])
def test_documents_are_one_stream(output: str) -> None:
    texts = _followed(output, *_EVENTS)
    assert [bool(text) for text in texts] == [True, False, True, False, False, True, True, True, False]
    assert "\n\n" not in "".join(texts)
