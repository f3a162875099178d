"""Reading, checking and writing a generated control plane of Talos v1.14 in a warm process.

`python -m benchmarks.machineconfig [RUNS]` prints the median of each step. It ends with 1 if all of them
together take more than `BUDGET_MS`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, show
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.validate import validate

BUDGET_MS: Final = 60.0
RUNS: Final = 30
RECORDED: Final = Path(__file__).parents[1] / "tests" / "data" / "config" / "cases-1.14.tar.xz"
CASE: Final = "config-1.14/gen-default-rsa/expected/out/controlplane.yaml"
MANIFEST_BYTES: Final = 2_000_000


def generated() -> bytes:
    """A control plane as `gen config` of v1.14 makes it."""
    with tarfile.open(RECORDED) as archive:
        member = archive.extractfile(CASE)
        assert member is not None
        return member.read()


def _median_ms(step: Callable[[], object], runs: int) -> float:
    step()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def figures(runs: int) -> Iterator[Figure]:
    """Each step by itself, all together, and with a large manifest."""
    data = generated()
    config = MachineConfig.load(data)

    def everything() -> str:
        loaded = MachineConfig.load(data)
        assert not validate(loaded, "metal").errors
        return loaded.text()

    assert everything().encode() == data
    yield Figure("load", _median_ms(lambda: MachineConfig.load(data), runs), "ms")
    yield Figure("validate", _median_ms(lambda: validate(config, "metal"), runs), "ms")
    yield Figure("write", _median_ms(config.text, runs), "ms")
    yield Figure(f"load, validate and write {len(config.documents)} documents", _median_ms(everything, runs), "ms", at_most=BUDGET_MS)
    manifest = "apiVersion: v1\nkind: ConfigMap\n---\n" * (MANIFEST_BYTES // 36)
    large = config.with_value("manifest", manifest, kind="KubeInlineManifestConfig", name="large").text()
    yield Figure("load a 2 MB inline manifest", _median_ms(lambda: MachineConfig.load(large), max(runs // 10, 3)), "ms")


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.machineconfig", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=RUNS)
    return show(figures(parser.parse_args(arguments).runs), heading="machine configuration of v1.14")


if __name__ == "__main__":
    sys.exit(main())
