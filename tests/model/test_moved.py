"""Old homes of public names: they give what has moved, and say so."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import talos_resources

PACKAGE = Path(talos_resources.__file__).parent
MOVED = [
    ("rpc.talosconfig", "TalosConfig"),
    ("sources.views", "views"),
    ("machineconfig.taken", "ConfiguredNode"),
    ("machineconfig.gen.contract", "Contract"),
]


@pytest.mark.parametrize(("name", "value"), MOVED)
def test_the_old_path_gives_the_same_and_warns(name: str, value: str) -> None:
    old = importlib.import_module(f"talos_resources.{name}")
    with pytest.warns(DeprecationWarning, match=f"^talos_resources.{name} has moved: import {value} from ") as told:
        found = getattr(old, value)
    new = str(told[0].message).rpartition(" ")[2]
    assert found is getattr(importlib.import_module(new), value)
    with pytest.raises(AttributeError, match="has no attribute 'nosuch'"):
        old.nosuch  # noqa: B018


def test_all_of_them_are_tried_above() -> None:
    found = (path for path in PACKAGE.rglob("*.py") if "__getattr__ = moved(" in path.read_text(encoding="utf-8"))
    names = {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in found}
    assert names == {name for name, _ in MOVED}
