"""Runs the recorded KubeSpan cases: `python -m tests.golden.kubespan DIR`.

DIR holds files of the form {"cases": [{"name", "input", "expected"}]}; the name of a file says what
its cases are about. Every difference is shown; `EXPECTED_DIFFERENCES` are those that are meant, each
explained in docs/differences.md.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs

from talos_resources.releases import Release, release_of
from tests.golden import command
from tests.golden.command import Verdict
from tests.golden.kubespan_cases import CASES
from tests.golden.kubespan_config import same_load_error
from tests.golden.kubespan_node import TicksOnce, manager_trace


def _without_new_field(case: Any, ours: Any) -> bool:
    lines = ours["text"].splitlines(keepends=True)
    return bool(case["expected"] == {"text": "".join(line for line in lines if line.strip() not in _NEWER_LINES)})


_NEWER_LINES = {"excludeAdvertisedNetworks: []", "serviceEndpoints: []"}


def _without_secret(case: Any, ours: Any) -> bool:
    recorded = case["expected"]["validationError"]
    known = re.sub(r"(from base64: ).*?; (illegal base64)|(bytes, got \d+): \S+", r"\1\2\3", recorded)
    return bool({**case["expected"], "validationError": known} == ours)


def _without_tick(case: Any, _ours: Any) -> bool:
    return bool(case["expected"] == manager_trace(case["input"], release_of("v1.12").kubespan, TicksOnce))


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
    Meant("config/docs-identity-secret-*", "the message about a cluster secret does not repeat it", _without_secret),
    Meant("resources/yaml-affiliates-*", "from Talos 1.13 on excludeAdvertisedNetworks is printed", _without_new_field),
    Meant("resources/yaml-discovery-config*", "from Talos 1.14 on serviceEndpoints is printed", _without_new_field),
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
    """The results of every case of every file, `.json` or `.json.xz`; a file VERSION names the release of Talos."""
    release = command.release(directory)
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
            yield _result(f"{stem}/{case['name']}", CASES[stem], case, release)


def _result(name: str, run: Any, case: dict[str, Any], release: Release) -> Result:
    try:
        actual = run(case["input"], release)
    except Exception:  # noqa: BLE001  (one broken case must not hide the others)
        return Result(name, traceback.format_exc(limit=-3).strip())
    expected = case["expected"]
    if not release.kubespan.policy_rules_are_resources:
        actual = _without_newer(actual)
    if "loadError" in expected and same_load_error(expected["loadError"], actual["loadError"]):
        actual["loadError"] = expected["loadError"]
    found = "\n".join(differences(expected, actual))
    reasons = (meant.reason for meant in EXPECTED_DIFFERENCES if fnmatchcase(name, meant.cases) and meant.is_this(case, actual))
    return Result(name, found, next(reasons, "") if found else "")


_NEWER = {"excludeAdvertisedNetworks", "serviceEndpoints", "clusterInfo", "networking.talos.dev/kubespan-exclude-advertised-networks"}
"""What Talos 1.12 does not have."""


def _without_newer(value: Any) -> Any:
    """The same without what is newer than the recording and says nothing."""
    if isinstance(value, dict):
        return {key: _without_newer(item) for key, item in value.items() if key not in _NEWER or (item and key != "clusterInfo")}
    return [_without_newer(item) for item in value] if isinstance(value, list) else value


def main(arguments: list[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return command.run(
        "kubespan", arguments, lambda folder: (Verdict(result.name, result.difference, result.meant) for result in results(folder))
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
