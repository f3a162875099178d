"""The order of rows: filter, column, groups; what is not known stands last."""

from __future__ import annotations

from talos_resources.tui.arranging import Arrangement, Fact, Heading, arranged

HEADINGS = ("NODE", "STATE", "SEEN")
FACTS: dict[str, tuple[Fact, ...]] = {
    "a": ("worker-10", "up", 3.0),
    "b": ("worker-9", "down", None),
    "c": ("cp-1", "up", 20.0),
    "d": ("", "down", 1.0),
}


def order(arrangement: Arrangement) -> list[object]:
    return list(arranged(arrangement, HEADINGS, list(FACTS), FACTS.__getitem__))


def test_as_they_come_nothing_is_asked() -> None:
    keys = range(40_000)

    def facts(key: int) -> tuple[Fact, ...]:
        raise AssertionError(key)

    assert arranged(Arrangement(), HEADINGS, keys, facts) is keys


def test_numbers_in_texts_are_numbers_and_what_is_not_known_is_last() -> None:
    assert order(Arrangement(column="NODE")) == ["c", "b", "a", "d"]
    assert order(Arrangement(column="NODE", is_descending=True)) == ["a", "b", "c", "d"]
    assert order(Arrangement(column="SEEN")) == ["d", "a", "c", "b"]
    assert order(Arrangement(column="SEEN", is_descending=True)) == ["c", "a", "d", "b"]


def test_a_filter_looks_at_all_texts_in_any_case() -> None:
    assert order(Arrangement(part="WORKER")) == ["a", "b"]
    assert order(Arrangement(part="down")) == ["b", "d"]
    assert order(Arrangement(part="20")) == []  # figures are no texts


def test_groups_keep_the_order_within() -> None:
    assert order(Arrangement(column="NODE", group="STATE")) == [Heading("up", 2), "c", "a", Heading("down", 2), "b", "d"]
    assert order(Arrangement(group="NODE"))[-2:] == [Heading("-", 1), "d"]


def test_columns_and_groups_go_round() -> None:
    first = Arrangement().next_column(HEADINGS)
    assert [first.column, first.next_column(HEADINGS).column] == ["NODE", "STATE"]
    assert Arrangement(column="SEEN").next_column(HEADINGS) == Arrangement()
    assert Arrangement(group="STATE").next_group(HEADINGS) == Arrangement()
    assert Arrangement(column="OF ANOTHER TABLE").next_column(HEADINGS) == Arrangement()
    assert Arrangement(column="NODE").sorted_by("NODE").is_descending
    assert not Arrangement(column="NODE", is_descending=True).sorted_by("SEEN").is_descending


def test_every_row_is_asked_once() -> None:
    asked: list[int] = []

    def facts(key: int) -> tuple[Fact, ...]:
        asked.append(key)
        return str(key % 7), "up" if key % 5 else "down", float(key)

    found = arranged(Arrangement(part="up", column="NODE", group="STATE"), HEADINGS, range(40_000), facts)
    assert len(found) == 32_001
    assert len(asked) == 40_000
