"""What commands say on a terminal of 80 columns and 24 lines, and in a pipe."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from tests.cli.test_terminal import OWN, PROGRAM, on_terminal

SIZE = (24, 80)
PROSE = [
    ("help",),
    ("gen", "--help"),
    ("mesh", "--help"),
    ("doctor", "--help"),
    ("explain", "kubespanpeerstatus"),
    ("explain", "kubespanconfig"),
    ("explain", "machineconfig"),
    ("doctor", "--from", "sick.zip"),
    ("doctor", "--explain", "clock-skew"),
    ("mesh", "--from", "sick.zip"),
    ("get", "nothinglikethat"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a broken mesh and a recording."""
    folder = tmp_path_factory.mktemp("home")
    assert main(["simulate", "--nodes", "50", "--scenario", "nat", "--to", str(folder / "sick.zip")]) == 0
    return folder


def shown(*arguments: str, home: Path, **variables: str) -> str:
    placed = [str(home / word) if word == "sick.zip" else word for word in arguments]
    written = on_terminal(*placed, home=home, size=SIZE, **{"TALOS_RESOURCES_PAGER": "cat", **variables})[1]
    return OWN.sub("", re.sub(r"(\r\x1b\[K[^\r\n]*)*\r\x1b\[K", "", written))  # a slow machine sees how far it is


@pytest.mark.parametrize("arguments", PROSE, ids=" ".join)
def test_nothing_is_wider_than_the_terminal_and_no_word_is_cut(arguments: tuple[str, ...], home: Path) -> None:
    lines = shown(*arguments, home=home).replace(str(home), "~").splitlines()
    assert lines
    long = [
        line
        for line in lines
        if len(line) > 80
        and " " in line.strip()
        and not line.startswith(("  talos-resources", "  python"))
        and not (line.startswith("            $") and "   # " not in line)  # a command stays whole, to be copied
    ]
    assert long == []


def test_the_note_on_the_demo_wraps_at_words(home: Path) -> None:
    text = shown("get", "members", home=home)
    note = text[text.index("note: ") :]
    assert "\n      " in note
    assert " ".join(note.split()).endswith("or --from (see --help)")


def test_a_pipe_gets_whole_lines(home: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "get", "members"], capture_output=True, text=True, check=True, env={"HOME": str(home), "COLUMNS": "40"}
    )
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stdout


def pager(home: Path) -> str:
    """A pager that says what it was given."""
    script = home / "pager.py"
    script.write_text("import os, sys\ntext = sys.stdin.read()\nprint(f'<{text.count(chr(10))} lines, LESS={os.environ[\"LESS\"]}>')\n")
    return f"{sys.executable} {script}"


@pytest.mark.parametrize("variable", ["TALOS_RESOURCES_PAGER", "PAGER"])
def test_long_output_goes_through_the_pager(variable: str, home: Path) -> None:
    code, text = on_terminal(
        "get", "kubespanpeerstatuses", "--from", str(home / "sick.zip"), home=home, size=SIZE, **{variable: pager(home)}
    )
    assert code == 0
    found = re.search(r"<(\d+) lines, LESS=FRX>", text)
    assert found is not None, text
    assert int(found[1]) > 24


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("help", "get"), ("get", "--help"), ("gen", "config", "-h")], ids=str)
def test_help_is_read_as_other_long_output_is(words: tuple[str, ...], home: Path) -> None:
    code, text = on_terminal(*words, home=home, size=SIZE, PAGER=pager(home))
    assert code == (0 if words else 2)
    assert "lines, LESS=FRX>" in text
    assert "lines, LESS" not in on_terminal(*words, home=home, size=(9999, 80), PAGER=pager(home))[1]


def test_what_fits_is_not_paged_and_keeps_its_exit_code(home: Path) -> None:
    chosen = {"TALOS_RESOURCES_PAGER": pager(home)}
    assert "lines, LESS" not in on_terminal("mesh", home=home, size=SIZE, **chosen)[1]
    code, text = on_terminal("doctor", "--from", str(home / "sick.zip"), home=home, size=(500, 80), **chosen)
    assert (code, "lines, LESS" in text) == (3, False)
    code, text = on_terminal("doctor", "--from", str(home / "sick.zip"), home=home, size=(4, 80), **chosen)
    assert (code, "lines, LESS" in text) == (3, True)


def test_a_pager_that_is_left_early_is_no_error(home: Path) -> None:
    code, text = on_terminal("get", "kubespanpeerstatuses", "--from", str(home / "sick.zip"), home=home, size=SIZE, PAGER="head -1")
    assert code == 0
    assert "Traceback" not in text


def test_no_pager_means_none(home: Path) -> None:
    for chosen in ({"TALOS_RESOURCES_PAGER": "cat", "PAGER": "false"}, {"PAGER": ""}):
        assert (
            len(
                on_terminal("get", "kubespanpeerstatuses", "--from", str(home / "sick.zip"), home=home, size=SIZE, **chosen)[1].splitlines()
            )
            > 24
        )


def test_changes_are_coloured_unless_nobody_wants_colours(home: Path, tmp_path: Path) -> None:
    from talos_resources.views.changes import painted

    assert (
        painted("state: up → down, endpoint: 1.2.3.4:5 → 1.2.3.4:6") == "state: up → \x1b[1;31mdown\x1b[0m, endpoint: 1.2.3.4:5 → 1.2.3.4:6"
    )
    assert painted("destroyed") == "\x1b[31mdestroyed\x1b[0m"
    recording = f"sqlite:{tmp_path}/mesh.db"
    assert main(["dump", "--from", "demo", "--to", recording]) == 0
    arguments = ("events", "--from", recording, "--since", "2000-01-01")
    assert "\x1b[32mcreated\x1b[0m" in on_terminal(*arguments, home=home, size=(9999, 80), TALOS_RESOURCES_PAGER="cat")[1]
    assert "\x1b[" not in on_terminal(*arguments, home=home, size=(9999, 80), TALOS_RESOURCES_PAGER="cat", NO_COLOR="1")[1].replace(
        "\x1b[K", ""
    )


def test_no_color_also_holds_for_the_doctor(home: Path) -> None:
    text = on_terminal("doctor", "--from", str(home / "sick.zip"), home=home, size=(500, 80), NO_COLOR="1")[1]
    assert "ERROR" in text or "WARN" in text
    assert not re.search(r"\x1b\[[0-9;]*m", text)
