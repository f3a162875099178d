"""A class that one thread makes is another one's only when its module is there to its end."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from talos_resources.model import kind as kinds
from talos_resources.model.kind import announce, typed_kind

TYPE = "HalfMades.test.talos.dev"
MODULE = """
import threading
import attrs
from talos_resources.model.kind import kind

registered, goes_on = threading.Event(), threading.Event()


@kind(type="HalfMades.test.talos.dev", namespace="test")
@attrs.frozen(kw_only=True)
class HalfMade:
    pass


registered.set()
assert goes_on.wait(30)
is_whole = True
"""


def test_a_class_whose_module_is_still_being_imported_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_made.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for table in (kinds._ANNOUNCED, kinds._REGISTRY, kinds._READY):
        monkeypatch.delitem(table, TYPE, raising=False)  # and after the test, too
    announce(TYPE, "half_made")
    first = threading.Thread(target=typed_kind, args=(TYPE,))
    first.start()
    while (module := sys.modules.get("half_made")) is None or not hasattr(module, "goes_on"):
        pass
    assert module.registered.wait(30)
    was_whole: list[bool] = []

    def ask() -> None:
        assert typed_kind(TYPE) is not None
        was_whole.append(hasattr(module, "is_whole"))

    second = threading.Thread(target=ask)
    second.start()
    second.join(0.5)  # one that does not wait is through by then
    module.goes_on.set()
    for thread in (first, second):
        thread.join(30)
    assert was_whole == [True]
    assert typed_kind(TYPE) is typed_kind(TYPE)
    for table in (kinds._ANNOUNCED, kinds._REGISTRY, kinds._READY):
        table.pop(TYPE, None)
    sys.modules.pop("half_made", None)
