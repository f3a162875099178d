"""The command line of a golden runner: a folder in, every case that fails and the totals out."""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from talos_resources.releases import Release, known_release


class Verdict(NamedTuple):
    """How a case went.

    Attributes:
        name: of the case.
        difference: between what was recorded and what we make of it, in a few lines; empty if there is none.
        meant: why the difference is as it should be; empty if it should not be.
    """

    name: str
    difference: str
    meant: str = ""


def run(runner: str, arguments: Sequence[str], verdicts: Callable[[Path], Iterable[Verdict]]) -> int:
    """Prints the cases that fail, those that differ as meant, and last `N passed, M failed`.

    Returns:
        1 if a case failed, 2 if there are none to run.
    """
    if len(arguments) != 1:
        return _refused(f"usage: python -m tests.golden.{runner} DIR")
    folder = Path(arguments[0]).resolve()
    if not folder.is_dir():
        return _refused(f"error: {arguments[0]} is no folder")
    passed = failed = 0
    try:
        for verdict in verdicts(folder):
            fails = bool(verdict.difference) and not verdict.meant
            passed, failed = passed + (not fails), failed + fails
            if fails:
                _say(f"FAILED {verdict.name}\n  {verdict.difference}")
            elif verdict.meant:
                _say(f"DIFFERS AS MEANT {verdict.name}: {verdict.meant}")
    except Exception as error:  # noqa: BLE001  # what is no golden data has failed too, and what went before counts
        failed += 1
        _say(f"FAILED {folder.name}: the rest cannot be run: {type(error).__name__}: {error}")
    if not passed + failed:
        return _refused(f"error: {arguments[0]} has no cases for tests.golden.{runner}")
    _say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def release(folder: Path) -> Release:
    """Which talosctl recorded a folder: what its file VERSION says, v1.12.3 without one.

    Raises:
        ConfigError: one that we have no data of.
    """
    file = folder / "VERSION"
    return known_release(file.read_text().strip() if file.is_file() else "v1.12.3")


def load(path: Path) -> Any:
    """The JSON of a file, packed by xz or not.

    Raises:
        ValueError: it is none, with the name of the file.
    """
    raw = path.read_bytes()
    try:
        document = json.loads(lzma.decompress(raw) if path.suffix == ".xz" else raw)
    except (ValueError, lzma.LZMAError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise TypeError(f"{path.name} holds no object")
    return document


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _refused(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return 2
