"""Runs clusters of a known truth: `python -m tests.golden.doctor DIR`.

DIR holds a folder for each case: its data, and `case.json` with what `doctor` must say of it. A case passes if the
exit code, the rule of the first finding, the names in it and the number of findings are as it says.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from talos_resources.cli.main import main as command
from tests.golden import command as runner
from tests.golden.command import Verdict

MEANT = {
    "p09-statuses-only-one": "its data hold all five nodes, not one, and these show two nodes behind NAT",
}
"""Cases whose data say more than their truth; docs/differences.md explains each."""


def verdicts(folder: Path) -> Iterator[Verdict]:
    """How each case of a folder went."""
    for path in sorted(folder.glob("*/case.json")):
        yield verdict(path.parent)


def verdict(folder: Path) -> Verdict:
    """How a case went."""
    return Verdict(folder.name, "\n  ".join(_differences(runner.load(folder / "case.json"), folder)), MEANT.get(folder.name, ""))


def _differences(case: dict[str, Any], folder: Path) -> Iterator[str]:
    code, out, err = _run(case, folder)
    if code != case["exit"]:
        yield f"exit {code}, expected {case['exit']}"
    if case.get("error"):
        lines = err.strip().splitlines()
        if len(lines) != 1:
            yield f"{len(lines)} lines on stderr, expected one"
        return
    try:
        findings = json.loads(out)["findings"]
    except (ValueError, KeyError):
        yield f"no diagnosis: {(err or out).strip()[-200:]}"
        return
    told = [finding for finding in findings if finding["severity"] != "note"]
    yield from _first(case, told)
    if "first" not in case and told:
        yield f"found {_listed(told)}, expected nothing"
    if len(told) > case.get("at_most", len(told)):
        yield f"{len(told)} findings, at most {case['at_most']}: {_listed(told)}"


def _first(case: dict[str, Any], told: list[dict[str, Any]]) -> Iterator[str]:
    if "first" not in case:
        return
    if not told or told[0]["rule"] not in case["first"]:
        yield f"first {_listed(told) or 'nothing'}, expected {' or '.join(case['first'])}: {case['truth'][:160]}"
        return
    text = json.dumps(told[0], ensure_ascii=False)
    missing = [name for name in case.get("names", ()) if name not in text]
    if missing:
        yield f"the first finding does not name {', '.join(missing)}: {told[0]['title']}"


def _listed(told: list[dict[str, Any]]) -> str:
    return ", ".join(finding["rule"] for finding in told)


def _run(case: dict[str, Any], folder: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `doctor`, run in the folder of the case as its source is relative to it."""
    arguments = ["doctor", "--from", case["source"], "-o", "json"]
    for file in [case["config"]] if isinstance(case.get("config"), str) else case.get("config", ()):
        arguments += ["--config", file]
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(arguments)
    finally:
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()


def main(arguments: list[str]) -> int:
    """Runs the cases of a folder; see `tests.golden.command`."""
    return runner.run("doctor", arguments, verdicts)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
