"""The shape of the tree: tests lie where their subjects lie."""

from __future__ import annotations

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
