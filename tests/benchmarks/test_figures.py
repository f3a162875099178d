"""The runner of the benchmarks: one table, and 1 when a budget is broken."""

from __future__ import annotations

import inspect

import pytest

from benchmarks import __main__ as runner
from benchmarks.figures import Figure, show


@pytest.mark.parametrize(
    ("figure", "missed"),
    [
        (Figure("no budget", 1e9), False),
        (Figure("within", 1.0, at_most=1.0), False),
        (Figure("above", 1.1, at_most=1.0), True),
        (Figure("below", 99, "/s", at_least=100), True),
        (Figure("twice the peer", 2.0, peer=1.0, at_most=1.5, of_peer=True), True),
        (Figure("half the peer", 2.0, peer=4.0, at_most=1.5, of_peer=True), False),
        (Figure("the peer is not here", 9.0, at_most=1.5, of_peer=True), False),
    ],
    ids=lambda value: value.what if isinstance(value, Figure) else "",
)
def test_a_budget_is_judged_by_the_figure_or_by_its_ratio(figure: Figure, missed: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([figure], heading="these") == int(missed)
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith(figure.what)
    assert ("MISSED" in line) is missed


def test_figure_budget_and_ratio_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show([Figure("update", 1500, "ns", 1000, at_most=2.5, of_peer=True, note="here"), Figure("list", 0.25, at_most=1)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["figure", "budget", "ratio"],
        ["update", "1500", "ns", "≤", "2.5", "of", "peer", "1.50", "here"],
        ["list", "0.250", "s", "≤", "1", "s"],
    ]


def test_every_benchmark_is_listed_and_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(runner.found())
    for name, module in runner.found().items():
        arguments = inspect.signature(module.main).parameters["arguments"]
        assert arguments.default is None, f"{name} measures nothing without arguments: it is no benchmark"


def test_a_name_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        runner.main(["nosuch"])
    assert caught.value.code == 2
    assert f"there is no benchmark 'nosuch'; there are {', '.join(runner.found())}" in " ".join(capsys.readouterr().err.split())
