"""Runs the recorded KubeSpan cases: `python -m tests.golden.kubespan DIR`.

DIR holds files of the form {"cases": [{"name", "input", "expected"}]}; the name of a file says what
its cases are about. Every difference is shown; `EXPECTED_DIFFERENCES` are those that are meant, each
explained in docs/differences.md.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs

from tests.golden import command
from tests.golden.command import Verdict
from tests.golden.kubespan_cases import CASES
from tests.golden.kubespan_config import same_load_error
from tests.golden.kubespan_node import TicksOnce, manager_trace


def _without_new_field(case: Any, ours: Any) -> bool:
    return bool(case["expected"] == {"text": ours["text"].replace("        excludeAdvertisedNetworks: []\n", "")})


def _without_tick(case: Any, _ours: Any) -> bool:
    return bool(case["expected"] == manager_trace(case["input"], TicksOnce))


@attrs.frozen
class Meant:
    """A difference that is meant.

    Attributes:
        cases: pattern of `FILE/NAME`.
        reason: why ours differs; docs/differences.md says more.
        is_this: whether the recorded case and our result differ in this and nothing else.
    """

    cases: str
    reason: str
    is_this: Callable[[Any, Any], bool]


EXPECTED_DIFFERENCES = (
    Meant("manager/*", "switched off and on again, the manager keeps its rhythm of 30 s; in Talos it loses it", _without_tick),
    Meant(
        "resources/yaml-affiliates-*", "the resources are those of Talos 1.13, which print excludeAdvertisedNetworks", _without_new_field
    ),
)


@attrs.frozen
class Result:
    """How a case went: `difference` is empty if ours equals the recorded one; `meant` says why it need not."""

    name: str
    difference: str
    meant: str = ""


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
        try:
            cases = command.load(path)["cases"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            yield Result(stem, f"{type(error).__name__}: {error}")
            continue
        for case in cases:
            yield _result(f"{stem}/{case['name']}", CASES[stem], case)


def _result(name: str, run: Any, case: dict[str, Any]) -> Result:
    try:
        actual = run(case["input"])
    except Exception:  # noqa: BLE001  (one broken case must not hide the others)
        return Result(name, traceback.format_exc(limit=-3).strip())
    expected = case["expected"]
    if "loadError" in expected and same_load_error(expected["loadError"], actual["loadError"]):
        actual["loadError"] = expected["loadError"]
    found = "\n".join(differences(expected, actual))
    reasons = (meant.reason for meant in EXPECTED_DIFFERENCES if fnmatchcase(name, meant.cases) and meant.is_this(case, actual))
    return Result(name, found, next(reasons, "") if found else "")


def main(arguments: list[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return command.run(
        "kubespan", arguments, lambda folder: (Verdict(result.name, result.difference, result.meant) for result in results(folder))
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
