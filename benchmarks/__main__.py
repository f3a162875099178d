"""`python -m benchmarks [NAME...]`: runs these benchmarks, or all, one after the other; `--list` says what there is."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from types import ModuleType

import benchmarks

# Not benchmarks themselves.
_SHARED = {"__main__", "attacked", "attackers", "figures", "servers"}


def found() -> dict[str, ModuleType]:
    """Name → module of each benchmark: `main(arguments)` measures and gives 1 if a budget is broken."""
    names = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in _SHARED)
    return {name: importlib.import_module(f"benchmarks.{name}") for name in names}


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    every = found()
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}; none for all")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in every]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(every)}")
    if options.list:
        for name, module in every.items():
            print(f"{name:14} {str(module.__doc__).splitlines()[0]}")
        return 0
    missed = 0
    for name in options.names or every:
        missed |= every[name].main([])
        print(flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
