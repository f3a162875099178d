"""`gen config` with given secrets as a whole process, against talosctl's where that is present.

`python -m benchmarks.gen_config [RUNS]` prints the median of each in milliseconds. It ends with 1 if ours
takes more than `TARGET` times talosctl's.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TARGET: Final = 2.5
RUNS: Final = 15
OURS: Final = (sys.executable, "-m", "talos_resources")
ARGUMENTS: Final = ("gen", "config", "bench", "https://bench.example:6443", "--with-secrets", "secrets.yaml", "--force", "-o", "out")


def median_ms(command: Sequence[str], folder: Path, runs: int) -> float:
    """The median wall time of a command, after one run that warms the caches."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([*command, *ARGUMENTS], cwd=folder, check=True, capture_output=True)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:])


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; 1 if the target is missed."""
    runs = int(arguments[0]) if arguments else RUNS
    talosctl = shutil.which("talosctl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*OURS, "gen", "secrets"], cwd=folder, check=True)
        ours = median_ms(OURS, folder, runs)
        print(f"talos_resources   {ours:6.0f} ms")
        if talosctl is None:
            print("talosctl is not on the path: no ratio")
            return 0
        theirs = median_ms([talosctl], folder, runs)
    print(f"talosctl          {theirs:6.0f} ms\nratio             {ours / theirs:6.2f}    (target {TARGET})")
    return 0 if ours <= TARGET * theirs else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
