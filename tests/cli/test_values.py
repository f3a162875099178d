"""Values as people type them: with a dash in front, as lists, several times."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.cli.options import items, names
from talos_resources.cli.parser import UsageError

CONFIG = "machine:\n  type: worker\n"


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "worker.yaml"
    file.write_text(CONFIG)
    return str(file)


@pytest.mark.parametrize("flag", ["-p", "--patch"])
@pytest.mark.parametrize("patch", ["---\nmachine:\n  nodeLabels:\n    a: b\n", "--- # x\nmachine: {nodeLabels: {a: b}}", "-\t{}"])
def test_a_patch_may_begin_with_a_dash(config: str, flag: str, patch: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["machineconfig", "patch", config, flag, patch])
    captured = capsys.readouterr()
    if patch.startswith("---"):
        assert (code, captured.err) == (0, "")
        assert "a: b" in captured.out
    else:  # no patch, but it got as far as being read as one
        assert code == 1
        assert "argument" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "members", "-l", "-x", "--from", "demo"], "-x"),
        (["get", "members", "--id-match", "-(", "--from", "demo"], "-("),
        (["mesh", "--by", "-x", "--from", "demo"], "-x"),
        (["get", "members", "--from", "-nowhere.yaml"], "cannot read -nowhere.yaml"),
        (["--from", "-nowhere.yaml", "get", "members"], "cannot read -nowhere.yaml"),
        (["config", "--talosconfig", "-x", "context", "a"], "-x"),
        (["config", "context", "a", "--talosconfig", "-x"], "-x"),
        (["get", "members", "-o", "-x", "--from", "demo"], "-x"),
        (["get", "members", "-o", "-w", "--from", "demo"], "argument -o/--output: expected one argument"),
        (["machineconfig", "patch", "x", "-p"], "argument -p/--patch: expected one argument"),
    ],
)
def test_any_value_may_begin_with_a_dash(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in {0, 1, 2}
    errors = capsys.readouterr().err
    assert errors == "" or (errors.startswith("error: ") and errors.count("\n") == 1 and message in errors)


def test_values_of_flags_keep_their_dash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", "--id-match", "-worker-1$", "-o", "name", "--from", "demo"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ()),
        ([""], ()),
        (["a"], ("a",)),
        (["a,b", "c"], ("a", "b", "c")),
        (['"a,b",c'], ("a,b", "c")),
        (['"a""b"'], ('a"b',)),
        (["a,,b"], ("a", "", "b")),
        (["a,"], ("a", "")),
        (['""'], ("",)),
        ([" a , b "], (" a ", " b ")),
        (["a,b\nc,d"], ("a", "b")),
        (["\n\na"], ("a",)),
        (['"a\nb",c'], ("a\nb", "c")),
    ],
)
def test_lists_are_csv_as_with_talosctl(values: list[str], expected: tuple[str, ...]) -> None:
    assert items(values) == expected


@pytest.mark.parametrize("value", ['a"b', '"a', '"a"b', 'a,"b', '"'])
def test_quotes_must_close(value: str) -> None:
    with pytest.raises(UsageError, match="quotes"):
        items([value])
    assert main(["get", "members", "-n", value, "--from", "demo"]) == 2


def test_names_of_nodes_are_lists_too() -> None:
    assert names(['a, b,"c"', "a"]) == ("a", "b", "c")


def test_additional_sans(tmp_path: Path) -> None:
    target = tmp_path / "talos"
    made = ["gen", "config", "c", "https://c.example:6443", "--additional-sans", '"a,b",c', "-t", "worker", "-o", str(target)]
    assert main(made) == 0
    assert "- a,b\n" in target.read_text()
