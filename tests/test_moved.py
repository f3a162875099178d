"""What documented import paths were before still work, with a warning that names the new one."""

from __future__ import annotations

import importlib

import pytest

# old module, public name, new module
MOVED = [
    ("talos_resources.machineconfig.gen.contract", "Contract", "talos_resources.releases"),
    ("talos_resources.rpc.talosconfig", "TalosConfig", "talos_resources.talosconfig"),
    ("talos_resources.sources.views", "view_of", "talos_resources.sources.snapshots"),
]


@pytest.mark.parametrize(("old", "name", "new"), MOVED)
def test_an_old_path_warns_and_gives_the_same(old: str, name: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"{old} has moved: import {name} from {new}"):
        found = getattr(importlib.import_module(old), name)
    assert found is getattr(importlib.import_module(new), name)


@pytest.mark.parametrize("old", sorted({old for old, _, _ in MOVED}))
def test_a_name_that_never_was_is_an_attribute_error(old: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{old}' has no attribute 'nonsense'"):
        _ = importlib.import_module(old).nonsense
