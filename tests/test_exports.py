"""`import talos_resources`: complete, lazy, and known to type checkers."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
from pathlib import Path

import pytest

import talos_resources
from talos_resources import resources
from talos_resources.model import errors
from talos_resources.state import events


def typed() -> dict[str, str]:
    """Name → module, as the TYPE_CHECKING block says it."""
    tree = ast.parse(Path(talos_resources.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom) and node.names[0].name != "*"]
    imports = [node for node in imports if node.module != "typing"]  # what only annotations need
    for node in imports:
        assert all(alias.asname == alias.name for alias in node.names), "without `as` a type checker takes it for private"
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_type_checkers_see_the_same_names() -> None:
    assert typed() == talos_resources._HOMES


def public() -> list[str]:
    return sorted({*talos_resources._HOMES, *resources.__all__})


@pytest.mark.parametrize("name", public())
def test_every_name_is_there(name: str) -> None:
    assert getattr(talos_resources, name) is not None
    assert name in dir(talos_resources)


def test_a_star_brings_all_of_them() -> None:
    namespace: dict[str, object] = {}
    exec("from talos_resources import *", namespace)
    assert namespace.keys() - {"__builtins__"} == {*public()} - {"__version__"}


def test_nothing_is_forgotten() -> None:
    found = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, errors.TalosResourcesError)}
    found |= {value.__name__ for value in vars(events).values() if inspect.isclass(value) and value.__module__ == events.__name__}
    assert {name for name in found if not name.startswith("_")} <= set(public())


def test_the_version_is_that_of_the_package() -> None:
    assert talos_resources.__version__ == importlib.metadata.version("talos-resources")


def test_only_what_is_public_is_listed() -> None:
    assert {name for name in dir(talos_resources) if not name.startswith("__")} == {*public()} - {"__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nosuch'"):
        _ = talos_resources.Nosuch
