"""The shape of the tree: tests lie where their subjects lie."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import talos_resources

ROOT = Path(__file__).parents[1]
PACKAGE = Path(talos_resources.__file__).parent

# Folders of tests that have no package: what tests share, and what they are about beside the package.
OTHERS = {"benchmarks", "data", "docs", "golden", "interop"}


def test_tests_lie_where_their_subjects_lie() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py")} - {Path()}
    mirrored = {folder for folder in folders if folder.parts[0] not in OTHERS}
    # a folder may also hold the tests of one module: backends/memory of backends/memory.py
    strangers = {folder for folder in mirrored if not (PACKAGE / folder).is_dir() and not (PACKAGE / folder).with_suffix(".py").is_file()}
    assert sorted(str(folder) for folder in strangers) == []


# Distributions of files, which are looked up by name instead of being imported.
FILES = {"font-roboto"}


def imported() -> set[str]:
    """The top-level modules that the package imports, also inside functions."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    return found


def test_every_dependency_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name: needs for name, needs in project["optional-dependencies"].items() if name not in {"all", "test", "docs", "dev"}}
    declared = {canonical(need) for needs in [project["dependencies"], *extras.values()] for need in needs}
    homes = importlib.metadata.packages_distributions()
    used = {canonical(name) for module in imported() for name in homes.get(module, ())}
    assert sorted(declared - used - FILES) == [], "nothing imports these"


def canonical(requirement: str) -> str:
    """The name of a distribution as it is compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[; ]", requirement)[0]).lower()


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Where to begin reading")[2]
    named = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text.partition("## Where newcomers got lost")[0])
    assert len(named) > 10
    assert [name for name in named if not (PACKAGE / name).exists()] == []


# Longer ones that wait to be split: the list only gets shorter.
LONG = {
    "talos_resources/discovery/client.py",
}


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    files = [path for folder in ("talos_resources", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
    lengths = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in files if "_generated" not in path.parts
    }
    assert {name: length for name, length in lengths.items() if length > 300 and name not in LONG} == {}


# Longer ones, each with its reason; what a docstring says does not count.
LONG_FUNCTIONS: dict[str, str] = {
    "talos_resources/codec/decoder.py:decoder": "one closure per class: its loop over the bytes is what a list of 100,000 spends its time in",
    "talos_resources/insight/causes/chain_mismatch.py:chain_mismatch": "waits to be split",
    "talos_resources/insight/causes/filtered_endpoint.py:filtered_endpoint": "waits to be split",
    "talos_resources/insight/causes/inbound_blocked.py:inbound_blocked": "waits to be split",
    "talos_resources/insight/causes/udp_blocked.py:udp_blocked": "waits to be split",
    "talos_resources/sources/registry.py:choose": "ten options of the command line, each passed on by its name",
}


def test_no_function_is_longer_than_forty_lines() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if "_generated" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.relative_to(ROOT).as_posix()}:{node.name}"] = lines_of(node)
    assert {name: lines for name, lines in found.items() if lines > 40 and name not in LONG_FUNCTIONS} == {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its docstring."""
    total = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return total - ((first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0)
