"""What all benchmarks share: figures beside budgets in one table, whole processes, Go programs.

A figure is judged by itself, or, where the real peer does the same in the same run, by its ratio to the
peer's: machines differ, and others use them too.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

INTEROP: Final = Path(__file__).parents[1] / "interop"
RUNS: Final = 5


class Figure(NamedTuple):
    """One line of the table.

    Attributes:
        what: was measured.
        value: ours.
        unit: of the value, and of the peer's.
        peer: what the peer takes for the same; None where there is none, or it is not here.
        at_most: the budget: of the ratio if `of_peer`, else of the value; None for a figure without a budget.
        at_least: the same from below, for rates.
        of_peer: the budget is one of the ratio; without the peer it cannot be judged.
        note: what one should know beside it.
    """

    what: str
    value: float
    unit: str = "s"
    peer: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    of_peer: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's."""
        return self.value / self.peer if self.peer else None

    @property
    def is_missed(self) -> bool:
        """Whether the budget is broken; what cannot be judged is not."""
        judged = self.ratio if self.of_peer else self.value
        if judged is None:
            return False
        return (self.at_most is not None and judged > self.at_most) or (self.at_least is not None and judged < self.at_least)


_WIDTH: Final = 58


def show(figures: Iterable[Figure], *, heading: str = "") -> int:
    """Prints figures as they come; 1 if a budget is broken.

    Args:
        figures: may be measured while they are taken.
        heading: printed above them.
    """
    missed = False
    print(f"{heading:{_WIDTH}}{'figure':>17}{'budget':>20}{'ratio':>8}", flush=True)
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        end = f"   {'MISSED ' if figure.is_missed else ''}{figure.note}".rstrip()
        print(f"{figure.what:{_WIDTH}}{_number(figure.value)} {figure.unit:4}{_budget(figure):>20}{ratio:>8}{end}", flush=True)
        missed |= figure.is_missed
    return int(missed)


def _budget(figure: Figure) -> str:
    limit, sign = (figure.at_most, "≤") if figure.at_most is not None else (figure.at_least, "≥")
    if limit is None:
        return ""
    return f"{sign} {limit:g} of peer" if figure.of_peer else f"{sign} {limit:g} {figure.unit}"


def _number(value: float) -> str:
    return f"{value:12.0f}" if abs(value) >= 100 else f"{value:12.3f}"


def wall_s(command: Sequence[str], *, folder: Path | None = None, runs: int = RUNS) -> float:
    """The median wall time of a command in seconds, after one run that warms the caches, that of compiled modules too."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def go_program(folder: Path, source: str, *, module: Path = INTEROP) -> Path | None:
    """A Go program, built now; None without Go.

    Args:
        folder: where to put it.
        source: the folder of its main package, below `module`.
        module: the folder of its Go module.
    """
    go = shutil.which("go")
    if go is None:
        return None
    program = folder / f"go-{Path(source).name or module.name}"
    subprocess.run([go, "build", "-o", program, source], cwd=module, check=True)
    return program
