"""What is known of a plan: what must be said first, whom it must name, how much may stand beside it; and places for boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.insight.blueprint import Box, Plan


class Known(NamedTuple):
    """A plan and its truth; no rules: nothing is wrong."""

    plan: Plan
    first: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    at_most: int = 3
    paste: tuple[str, ...] = ()


FAULTS: dict[str, Callable[[], Known]] = {}
NEVER = float("inf")


def fault(make: Callable[[], Known]) -> Callable[[], Known]:
    FAULTS[make.__name__.replace("_", "-")] = make
    return make


def rack(workers: int = 2, *, planes: int = 3, base: str = "10.0.0.", site: str = "a", **more: object) -> list[Box]:
    """Machines in one network."""
    made = [Box(name=f"cp-{n}", ip=f"{base}{10 + n}", plane=True, site=site, **more) for n in range(1, planes + 1)]  # type: ignore[arg-type]
    return made + [Box(name=f"w-{n}", ip=f"{base}{20 + n}", site=site, **more) for n in range(1, workers + 1)]  # type: ignore[arg-type]


def clouds(workers: int = 2, planes: int = 3) -> list[Box]:
    """Machines with public addresses, each somewhere else."""
    boxes = rack(workers, planes=planes)
    for n, box in enumerate(boxes):
        box.ip, box.bits, box.site = f"{78 + 11 * n}.46.{n}.{20 + n}", 32, f"cloud-{n}"
    return boxes


def flat(name: str, number: int, **more: object) -> Box:
    """A machine at home, each in a home of its own."""
    values = {"ip": f"192.168.{number}.30", "site": f"home-{number}", "wan": f"87.123.{number}.9", **more}
    return Box(name=name, **values)  # type: ignore[arg-type]


def names(boxes: list[Box]) -> list[str]:
    return [box.name for box in boxes]


HEALTHY: dict[str, Callable[[], Plan | Known]] = {}


def fine(make: Callable[[], Plan | Known]) -> Callable[[], Plan | Known]:
    HEALTHY[make.__name__.replace("_", "-")] = make
    return make
