"""Runs recorded cases of talosctl's configuration workflow against our command line.

`python -m tests.golden.config DIR` prints the name of every case that differs with the first
difference, and at last `N passed, M failed`. DIR holds one folder per case, as golden/config/README.md
describes.

Compared: the exit status (zero or not), stdout and the named files byte for byte, of stderr that there is
a message where the command failed. Cases marked `crash` only have to fail cleanly.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.cli.main import main as cli
from talos_resources.codec.goyaml.read import load, load_all
from talos_resources.model.errors import DecodeError
from talos_resources.releases import Release
from tests.golden import command as runner
from tests.golden.command import Verdict
from tests.golden.config_shape import faults as shape_faults

_MASK: Final = re.compile(r"^(\s*(?:crt|key): ).*$", re.MULTILINE)
_SEPARATOR: Final = re.compile("[\u2028\u2029]")
_HEADER: Final = re.compile(r"\|\d?([-+]?)$", re.MULTILINE)


_MEANT: Final = {
    "gen-secrets-aescbc-current": "an aescbc secret is written as one; as a secretbox secret etcd could not be read any more",
    "mc-help-convert": "the help of a group is our own, and lists migrate",
}
"""Cases that their README exempts or that are about talosctl's own words: why ours differ."""


@attrs.frozen
class Outcome:
    """What a command left behind."""

    exit: int
    stdout: str
    stderr: str


def run(arguments: list[str], *, stdin: str = "") -> Outcome:
    """Runs our command line in this process, in the working directory."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True) for _ in range(2))
    old = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli(arguments)
    finally:
        sys.stdin = old
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Outcome(code, *texts)


def cases(folder: Path) -> Iterator[Path]:
    """The case folders, by name."""
    return (path for path in sorted(folder.iterdir()) if (path / "cmd.json").is_file())


def difference(case: Path) -> str | None:
    """Runs a case in an empty directory; None if all is as recorded, else the first difference."""
    command = json.loads((case / "cmd.json").read_text())
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        directory = Path(os.path.realpath(name))
        for item in command["inputs"]:
            target = directory / item
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(case / item, target)
        outcome = run(_arguments(command, runner.release(case.parent)), stdin=command.get("stdin", ""))
        return _compare(case, command, outcome, directory)


def _arguments(command: dict[str, Any], release: Release) -> list[str]:
    arguments: list[str] = [*command["args"], f"--compat=talosctl={release}"]
    if "now" in command:
        arguments += ["--now", command["now"]]
    return arguments


def _compare(case: Path, command: dict[str, Any], outcome: Outcome, directory: Path) -> str | None:
    failed = command["exit"] != 0
    if failed != (outcome.exit != 0):
        return f"exit {outcome.exit} instead of {command['exit']}: {outcome.stderr.strip()[:200]}"
    if failed and not outcome.stderr.strip():
        return "no message on stderr"
    if "Traceback" in outcome.stderr:
        return f"a traceback: {outcome.stderr.strip().splitlines()[-1]}"
    if command.get("crash"):
        return None
    expected = case / "expected"
    actual = {"stdout.txt": outcome.stdout}
    actual |= {name: _read(directory / name) for name in command["outputs"]}
    volatile = {entry["file"]: entry for entry in command.get("volatile", ())}
    for name, text in actual.items():
        wanted = _read(expected / name).replace("{CWD}", str(directory))
        if name == command.get("shape_of"):
            shape = json.loads((expected / "shape.json").read_text())
            found = next(shape_faults(shape, load(text)), None)
            if found:
                return f"{name}: {found}"
            continue
        if name in volatile:
            wanted, text = (_MASK.sub(r"\1…", one) for one in (wanted, text))  # noqa: PLW2901 - masked
        if wanted != text and not _unreadable(wanted, text):
            return f"{name}: {_first_difference(wanted, text)}"
    return None


def _read(path: Path) -> str:
    return path.read_bytes().decode() if path.is_file() else ""


def _unreadable(wanted: str, text: str) -> bool:
    """Whether the recorded output does not read back as it should, and ours differs in just that and reads back.

    Two mistakes of talosctl are known: it breaks a line at a Unicode line separator, and it writes a wrong
    indentation into the header of a literal block, or none where one is needed.
    """
    try:
        load_all(text)
    except DecodeError:
        return False
    if _SEPARATOR.search(wanted):
        return _bare(_SEPARATOR.sub("", wanted)) == _bare(text)
    try:
        load_all(wanted)
    except DecodeError:
        return _HEADER.sub(r"|\1", wanted) == _HEADER.sub(r"|\1", text)
    return False


def _bare(text: str) -> str:
    """The text without blanks, quotes, block headers and escapes of breaks."""
    return re.sub(r"\\[LPn]|\|\d?[-+]?$|[\s'\"]", "", text, flags=re.MULTILINE)


def _first_difference(wanted: str, text: str) -> str:
    lines = wanted.splitlines(keepends=True), text.splitlines(keepends=True)
    for number, (one, other) in enumerate(zip(*lines, strict=False), 1):
        if one != other:
            return f"line {number}: {other[:150]!r} instead of {one[:150]!r}"
    return f"{len(lines[1])} lines instead of {len(lines[0])}"


def verdicts(folder: Path) -> Iterator[Verdict]:
    """How each case of a folder goes."""
    for case in cases(folder):
        try:
            found = difference(case)
        except Exception as error:  # noqa: BLE001 - a crash is a failed case, and the others still run
            found = f"crashed with {type(error).__name__}: {error}"
        yield Verdict(case.name, found or "", _MEANT.get(case.name, "") if found else "")


def main(arguments: list[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return runner.run("config", arguments, verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
