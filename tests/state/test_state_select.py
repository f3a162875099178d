"""What a watch with queries is told, as a table of all transitions."""

from __future__ import annotations

from typing import Any

import pytest

from talos_resources.model.errors import WatchError
from talos_resources.model.metadata import Metadata
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated
from talos_resources.state.select import is_about, select
from talos_resources.testing.conformance.parts import path

IN, OUT = path("x", labels={"in": ""}), path("x")
MARK = b"bookmark"


def matches(metadata: Metadata) -> bool:
    return "in" in metadata.labels


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Created(IN, MARK), Created(IN, MARK)),
        (Created(OUT, MARK), None),
        (Updated(IN, IN, MARK), Updated(IN, IN, MARK)),
        (Updated(IN, OUT, MARK), Created(IN, MARK)),
        (Updated(OUT, IN, MARK), Destroyed(OUT.reference, OUT, MARK)),
        (Updated(OUT, OUT, MARK), None),
        (Updated(IN, None, MARK), Updated(IN, None, MARK)),
        (Updated(OUT, None, MARK), Destroyed(OUT.reference, OUT, MARK)),
        (Destroyed(IN.reference, IN, MARK), Destroyed(IN.reference, IN, MARK)),
        (Destroyed(OUT.reference, OUT, MARK), None),
        (Destroyed(OUT.reference, None, MARK), Destroyed(OUT.reference, None, MARK)),
        (Bootstrapped(MARK), Bootstrapped(MARK)),
        (Noop(MARK), Noop(MARK)),
    ],
)
def test_select(event: AnyEvent, told: AnyEvent | None) -> None:
    assert select(event, matches) == told


def test_errors_are_told_whatever_is_asked() -> None:
    error = Errored(WatchError("gone"))
    assert select(error, matches) is error


@pytest.mark.parametrize("event", [Created(IN), Updated(IN, None), Destroyed(IN.reference, None)])
def test_is_about(event: Any) -> None:
    assert is_about(event, "x")
    assert not is_about(event, "y")
    assert not is_about(Bootstrapped(), "x")
