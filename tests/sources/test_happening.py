"""What happens from now on, on nodes that go away and come back."""

from __future__ import annotations

from collections.abc import Sequence

from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Member
from talos_resources.sources.following import News
from talos_resources.sources.happening import Happening
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated

KIND = kind_of(Member)


def news(*events: AnyEvent, node: str = "n") -> News:
    return News(node, KIND, events, Timestamp(0))


def member(id: str, hostname: str = "") -> Resource[Member]:
    return Resource.new(Member(hostname=hostname), id=id)


def words(events: Sequence[AnyEvent]) -> list[str]:
    told = []
    for event in events:
        assert isinstance(event, Created | Updated | Destroyed)
        told.append(f"{type(event).__name__} {event.reference.id if isinstance(event, Destroyed) else event.resource.id}")
    return told


def test_what_is_there_is_no_news() -> None:
    happening = Happening()
    assert not happening.of(news())
    assert not happening.of(news(Created(member("a"))))
    assert words(happening.of(news(Bootstrapped(), Created(member("b"))))) == ["Created b"]
    assert words(happening.of(news(Created(member("c"))))) == ["Created c"]


def test_of_what_is_told_anew_only_the_difference_is_news() -> None:
    happening = Happening()
    a, b = member("a"), member("b")
    happening.of(news())
    happening.of(news(Created(a), Created(b), Bootstrapped()))
    happening.of(news())  # another watch
    changed = b.with_spec(Member(hostname="x"))
    told = happening.of(news(Created(changed), Created(member("c")), Bootstrapped()))
    assert words(told) == ["Updated b", "Created c", "Destroyed a"]


def test_a_node_that_comes_late_does_not_hide_what_happens_on_others() -> None:
    happening = Happening()
    happening.of(news())
    happening.of(news(Bootstrapped()))
    assert words(happening.of(news(Created(member("a"))))) == ["Created a"]
    assert not happening.of(news(node="late"))
    assert not happening.of(news(Created(member("a")), Bootstrapped(), node="late"))
    assert words(happening.of(news(Created(member("b")), node="late"))) == ["Created b"]
