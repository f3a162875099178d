"""The Python of README and docs/, and the package itself, hold under `mypy --strict` and pyright.

A page is one program: its blocks, one after the other, as `test_examples.py` runs them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_examples import PAGES, ROOT, blocks

MYPY = """\
[mypy]
strict = true
ignore_missing_imports = true
[mypy-talos_resources._generated.*]
ignore_errors = true
"""


def programs(folder: Path) -> dict[str, str]:
    """Writes each page with Python as a program; its file name → the page."""
    written = {}
    for page in PAGES:
        found = [block for block in blocks(page.read_text(encoding="utf-8")) if block.language == "python" and not block.skipped]
        if found:
            name = f"page_{re.sub(r'[^a-z]', '_', page.stem.lower())}.py"
            written[name] = page.relative_to(ROOT).as_posix()
            # The lines of the page keep their numbers, so that a message says where to look.
            lines = [""] * page.read_text(encoding="utf-8").count("\n")
            for block in found:
                text = block.text.rstrip("\n").split("\n")
                lines[block.line : block.line + len(text)] = text
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


def named(text: str, pages: dict[str, str]) -> str:
    for name, page in pages.items():
        text = text.replace(name, page)
    return text


@pytest.mark.slow
def test_the_examples_hold_under_mypy(tmp_path: Path) -> None:
    pages = programs(tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    # The cache of the checkout has the package in it already.
    cache = str(ROOT / ".mypy_cache")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", cache, *pages],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, named(done.stdout + done.stderr, pages)


def pyright(folder: Path, *names: str, timeout: float = 280) -> list[str]:
    """What pyright says of some files or folders, a line each."""
    config = {
        "include": list(names),
        "exclude": ["**/_generated"],
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "standard",
        "reportMissingImports": "none",
        "reportMissingModuleSource": "none",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(folder)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["summary"]["filesAnalyzed"] > 0
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']} ({each.get('rule', '')})"
        for each in told["generalDiagnostics"]
        if each["severity"] == "error"
    ]


@pytest.mark.slow
def test_the_examples_hold_under_pyright(tmp_path: Path) -> None:
    pages = programs(tmp_path)
    assert [named(line, pages) for line in pyright(tmp_path, *pages)] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_package_holds_under_pyright(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "talos_resources", tmp_path / "talos_resources", ignore=shutil.ignore_patterns("__pycache__"))
    assert pyright(tmp_path, "talos_resources", timeout=1100) == []
