"""Writes the files, or checks that they are current."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from talos_resources.resources.generate.index import index_text
from talos_resources.resources.generate.layout import layout
from talos_resources.resources.generate.source import HEADER, text

_ROOT: Final = Path(__file__).parents[1]
_PROJECT: Final = str(_ROOT.parents[1] / "pyproject.toml")
_OURS: Final = 'lint.isort.known-first-party=["talos_resources"]'


def wanted() -> dict[Path, str]:
    """What each generated file should hold."""
    files = {file.module.replace(".", "/") + ".py": text(file) for file in layout()}
    files["index.py"] = index_text()
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(source, encoding="utf-8")
        for command in (["check", "--fix", "--exit-zero", "--select", "I,UP037"], ["format"]):
            subprocess.run([sys.executable, "-m", "ruff", *command, "-q", "--config", _PROJECT, "--config", _OURS, folder], check=True)
        return {_ROOT / name: Path(folder, name).read_text(encoding="utf-8") for name in files}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m talos_resources.resources.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    check = parser.parse_args().check
    files = wanted()
    existing = {path for path in _ROOT.rglob("*.py") if path.read_text(encoding="utf-8").startswith(HEADER)}
    stale = [path for path, source in files.items() if not path.exists() or path.read_text(encoding="utf-8") != source]
    left = sorted(existing - files.keys())
    if check:
        for path in (*stale, *left):
            print(f"not current: {path.relative_to(_ROOT)}", file=sys.stderr)  # noqa: T201
        return 1 if stale or left else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
        package = path.parent / "__init__.py"
        if not package.exists():
            package.write_text(f'"""Resources of Talos\'s package `{path.parent.name}`."""\n', encoding="utf-8")
    for path in left:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
