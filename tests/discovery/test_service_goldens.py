"""What is recorded of the real service and of real nodes; `python -m tests.golden.discovery DIR` runs any folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import discovery

DATA = Path(__file__).parents[1] / "data"


def check(folder: Path, *, cases: int) -> None:
    results = list(discovery.results(folder))
    assert [(name, difference) for name, difference in results if difference] == []
    assert len(results) == cases


def test_the_service_answers_as_recorded() -> None:
    check(DATA / "discovery_service", cases=104)


@pytest.mark.slow
def test_nodes_say_and_see_what_is_recorded_and_limits_hold() -> None:
    check(DATA / "discovery_nodes", cases=10)


def test_a_node_with_several_services_does_what_is_recorded_of_talos() -> None:
    """Added, turned round, taken away, renamed, twice the same, another key, none, all again, reset."""
    check(DATA / "discovery_services", cases=1)
