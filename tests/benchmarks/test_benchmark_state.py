"""The state benchmark runs and says what it promises."""

from __future__ import annotations

import json

import pytest

from benchmarks import state


def test_json_is_one_object_of_nanoseconds(capsys: pytest.CaptureFixture[str]) -> None:
    assert state.main(["--json", "50"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == [
        "create",
        "get",
        "list_all_per_item",
        "list_label_per_match",
        "update_with_conflicts",
        "watch_fanout_per_event",
        "yaml_marshal",
        "wire_marshal",
    ]
    assert all(value > 0 for value in figures.values())
