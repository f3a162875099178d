"""Names that others choose cannot command the terminal, whichever command prints them."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.model.finding import Finding, Severity, findings_text
from talos_resources.model.printable import printable, printable_lines

PROGRAM = [sys.executable, "-m", "talos_resources"]
EVIL = "w\x1b[2J\x1b[8m\x1b]0;title\x07\r\x9b31m\x7f\u202egnp.\u2066"
IN_YAML = '"' + "".join(f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in EVIL) + '"'

# What commands themselves say to a terminal: colours, bold, dim, and the line of progress where reading takes a while.
OWN = re.compile(r"\r\x1b\[K|\x1b\[(0|1|2|3|33|1;3[1-6]|3[1-7]|9[0-7]|1;9[0-7]|38;5;\d+|1;33)?m")
COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def on_terminal(*arguments: str, home: Path, size: tuple[int, int] | None = None, **variables: str) -> tuple[int, str]:
    """The exit code, and what a terminal is sent, of so many lines and columns."""
    ours, theirs = pty.openpty()
    if size is not None:
        termios.tcsetwinsize(theirs, size)
    environment = {
        key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TALOSCONFIG", "PAGER"}
    }
    environment |= {"HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables
    with subprocess.Popen([*PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                written += (piece := os.read(ours, 65536))
            except OSError:  # the other end is closed
                break
            if not piece:
                break
        code = process.wait(60)
    os.close(ours)
    return code, written.decode("utf-8", "replace").replace("\r\n", "\n")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh with something wrong, in which one node has chosen its name."""
    folder = tmp_path_factory.mktemp("evil") / "sick"
    assert main(["simulate", "--nodes", "3", "--scenario", "nat", "--to", str(folder)]) == 0
    for file in folder.rglob("*.yaml"):
        text = re.sub(r"(?m)(: |- )(\S*worker-1|\S*controlplane-3)$", lambda match: match[1] + IN_YAML, file.read_text())
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "members"],
        ["get", "members", "-o", "wide"],
        ["get", "members", "-o", "wide", "--color", "never"],
        ["get", "members", "--color", "never"],
        ["get", "members", "-o", "yaml"],
        ["get", "members", "-o", "json"],
        ["get", "members", "-o", "csv"],
        ["get", "members", "-o", "name"],
        ["get", "members", "-o", "jsonpath={.metadata.id}"],
        ["get", "kubespanpeerstatuses"],
        ["mesh"],
        ["mesh", "-o", "wide"],
        ["doctor"],
        ["doctor", "-o", "md"],
        ["doctor", "--color", "never"],
        ["get", "members", EVIL],
        ["get", EVIL],
    ],
    ids=" ".join,
)
def test_names_of_nodes(cluster: Path, tmp_path: Path, arguments: list[str]) -> None:
    code, sent = on_terminal(*arguments, "--from", str(cluster), home=tmp_path)
    assert code in {0, 1, 3}, sent
    assert not COMMANDING.search(OWN.sub("", sent)), sent
    assert "\x1b[8m" not in sent
    assert "Traceback" not in sent
    if arguments[:2] == ["get", "members"] and len(arguments) < 6 and "jsonpath={.metadata.id}" not in arguments:
        assert "[2J" in sent  # it is there, as text


def test_names_in_files_and_of_files(tmp_path: Path) -> None:
    file = tmp_path / f"{EVIL.replace('/', '')}.yaml"
    file.write_text(f"metadata:\n  {IN_YAML}: 1\n")
    config = tmp_path / "talosconfig"
    config.write_text(
        f"context: {IN_YAML}\ncontexts:\n  {IN_YAML}:\n    endpoints: [{IN_YAML}]\n    nodes: [{IN_YAML}]\n    {IN_YAML}: 1\n"
    )
    for arguments in (
        ["get", "members", "--from", str(file)],
        ["validate", "--mode", "metal", "-c", str(file)],
        ["config", "contexts", "--talosconfig", str(config)],
        ["config", "info", "--talosconfig", str(config)],
        ["config", "context", EVIL + "x", "--talosconfig", str(config)],
        ["get", "members", "--talosconfig", str(config)],
        ["machineconfig", "patch", str(file), "--patch", "[]"],
    ):
        code, sent = on_terminal(*arguments, home=tmp_path)
        assert code in {0, 1, 2}, sent
        assert sent, arguments
        assert not COMMANDING.search(OWN.sub("", sent)), (arguments, sent)
        assert "\x1b" not in sent
        assert "Traceback" not in sent


def test_errors_are_safe_also_in_a_log_that_is_looked_at_later(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "members", EVIL, "--from", "demo"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert not COMMANDING.search(errors.rstrip("\n"))


def test_findings_colour_only_their_label() -> None:
    finding = Finding(rule="r", severity=Severity.ERROR, title=f"{EVIL} is down", evidence=(EVIL,), cause=EVIL, advice=EVIL, steps=(EVIL,))
    text = findings_text([finding], colour=True)
    assert text.startswith("\x1b[1;31mERROR\x1b[0m")
    assert text.count("\x1b") == 2
    assert not COMMANDING.search(OWN.sub("", text).replace("\n", ""))


def test_printable() -> None:
    assert printable("a\n\x1bé\x9b\u202e字") == r"a\n\x1bé\x9b\u202e字"
    assert printable_lines("a\n\tb\r\x1b") == "a\n\tb\\r\\x1b"


def test_pipes_get_every_byte(cluster: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["get", "members", "-o", "wide", "--from", str(cluster)]) == 0
    assert EVIL.encode() in capfdbinary.readouterr().out
