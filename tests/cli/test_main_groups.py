"""Groups of commands, such as `machineconfig`."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.cli.main import main

GROUPS = ("cilium", "config", "discovery", "gen", "kubespan", "machineconfig")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_stands_alone_lists_its_commands(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: ")
    assert not err


@pytest.mark.parametrize("group", GROUPS)
def test_a_command_that_a_group_does_not_have_is_a_mistake(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group, "convert"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["convert", "--compat=talosctl"], ["--compat=talosctl=v1.12"]])
def test_talosctl_lists_them_for_whatever_it_does_not_know(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machineconfig", *arguments]) == 0
    assert "patch" in capsys.readouterr().out


def test_the_value_of_a_flag_is_no_name_of_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "talosconfig"
    path.write_text("context: a\ncontexts:\n    a:\n        endpoints: []\n")
    assert main(["config", "--talosconfig", str(path), "contexts", "--compat=talosctl"]) == 0
    assert capsys.readouterr().out.startswith("CURRENT")
