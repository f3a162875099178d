"""`gen config` with given secrets as a whole process, against talosctl's where that is present.

`python -m benchmarks.gen_config [RUNS]` prints the median of each. It ends with 1 if ours takes more than
`TARGET` times talosctl's.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, show, wall_s

TARGET: Final = 2.5
RUNS: Final = 15
OURS: Final = (sys.executable, "-m", "talos_resources")
ARGUMENTS: Final = ("gen", "config", "bench", "https://bench.example:6443", "--with-secrets", "secrets.yaml", "--force", "-o", "out")


def figures(runs: int) -> Iterator[Figure]:
    """Ours beside talosctl's."""
    talosctl = shutil.which("talosctl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*OURS, "gen", "secrets"], cwd=folder, check=True, capture_output=True)
        ours = wall_s([*OURS, *ARGUMENTS], folder=folder, runs=runs)
        theirs = None if talosctl is None else wall_s([talosctl, *ARGUMENTS], folder=folder, runs=runs)
    note = "" if talosctl else "talosctl is not on the path"
    yield Figure(
        "gen config with given secrets, whole process", ours * 1000, "ms", theirs and theirs * 1000, TARGET, of_peer=True, note=note
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.gen_config", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=RUNS)
    return show(figures(parser.parse_args(arguments).runs), heading="gen config, against talosctl")


if __name__ == "__main__":
    sys.exit(main())
