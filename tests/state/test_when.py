"""Moments as people write them."""

from __future__ import annotations

import pytest

from talos_resources.model.errors import QueryError
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.when import parse_when

NOW = Timestamp.parse("2026-11-26T02:30:00.5Z")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-26T02:30:00.5Z"),
        ("-10m", "2026-11-26T02:20:00.5Z"),
        ("10m", "2026-11-26T02:20:00.5Z"),
        ("-1d2h30m0.5s", "2026-11-25T00:00:00Z"),
        ("02:14", "2026-11-26T02:14:00Z"),
        ("02:14:31", "2026-11-26T02:14:31Z"),
        ("02:31", "2026-11-25T02:31:00Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("2026-11-20 02:14", "2026-11-20T02:14:00Z"),
        ("2026-11-20T02:14:31", "2026-11-20T02:14:31Z"),
        ("2026-11-20T02:14:31.25+01:00", "2026-11-20T01:14:31.25Z"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert parse_when(text, now=NOW) == Timestamp.parse(moment)


@pytest.mark.parametrize("text", ["", "-", "m", "10", "yesterday", "25:00", "2026-13-01", "10m5", "--10m", "9" * 400 + "d"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(QueryError, match="is no moment"):
        parse_when(text, now=NOW)
