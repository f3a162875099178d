"""Runs the recorded KubeSpan cases: `python -m tests.golden.kubespan DIR`.

DIR holds files of the form {"cases": [{"name", "input", "expected"}]}; the name of a file says what
its cases are about. Every difference is shown; `EXPECTED_DIFFERENCES` are those that are meant, each
explained in docs/differences.md.
"""

from __future__ import annotations

import json
import lzma
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from tests.golden.kubespan_cases import CASES

EXPECTED_DIFFERENCES: dict[str, str] = {}
"""Case (`FILE/NAME`) to the reason why ours differs."""


@attrs.frozen
class Result:
    """How a case went: `difference` is empty if ours equals the recorded one."""

    name: str
    difference: str


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, at most a line for each place."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}):
            where = f"{path}.{key}" if path else key
            if key not in actual:
                yield f"{where}: missing, recorded {_short(expected[key])}"
            elif key not in expected:
                yield f"{where}: not recorded, ours {_short(actual[key])}"
            else:
                yield from differences(expected[key], actual[key], where)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (old, new) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(old, new, f"{path}[{index}]")
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path}: recorded {_short(expected)}, ours {_short(actual)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"


def results(directory: Path) -> Iterator[Result]:
    """The results of every case of every file, `.json` or `.json.xz`."""
    for path in sorted(directory.iterdir()):
        stem = path.name.partition(".")[0]
        if stem not in CASES or not path.name.endswith((".json", ".json.xz")):
            continue
        raw = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        for case in json.loads(raw)["cases"]:
            yield Result(f"{stem}/{case['name']}", _difference(CASES[stem], case))


def _difference(run: Any, case: dict[str, Any]) -> str:
    try:
        actual = run(case["input"])
    except Exception:  # noqa: BLE001  (one broken case must not hide the others)
        return traceback.format_exc(limit=-3).strip()
    return "\n".join(differences(case["expected"], actual))


def main(arguments: list[str]) -> int:
    """Prints every failing case and the totals; 1 if a case failed."""
    if len(arguments) != 1:
        print("usage: python -m tests.golden.kubespan DIR", file=sys.stderr)  # noqa: T201  (a command)
        return 2
    passed = failed = 0
    for result in results(Path(arguments[0])):
        reason = EXPECTED_DIFFERENCES.get(result.name)
        if reason is not None and result.difference:
            print(f"DIFFERS AS MEANT {result.name}: {reason}")  # noqa: T201  (a command)
            passed += 1
        elif result.difference or reason is not None:
            print(f"FAILED {result.name}\n{result.difference or 'it was expected to differ'}\n")  # noqa: T201  (a command)
            failed += 1
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")  # noqa: T201  (a command)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
