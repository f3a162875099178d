"""Imports go down only: to a lower layer or to the same package; and no files import each other in a circle.

Late imports inside functions count, and those for type checkers too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

import talos_resources

PACKAGE = Path(talos_resources.__file__).parent

# As in the design's table. Packages of one number do not import each other unless SIDEWAYS says so.
LAYERS = {
    "model": 0,
    "releases": 0,
    "resources": 0,
    "_generated": 1,
    "proto": 1,
    "codec": 1,
    "state": 2,
    "backends": 3,
    "rpc": 3,
    "rpc/pki": 3,
    "talosconfig": 3,
    "runtime": 4,
    "kubespan": 4,
    "discovery": 4,
    "machineconfig": 4,
    "sources": 5,
    "views": 5,
    "insight": 5,
    "simulate": 5,
    "agent": 5,
    "tui": 6,
    "cli": 6,
    # Outside of the table: the entry point, the lazy exports, and what is shipped for tests of all layers.
    "__main__": 7,
    "__init__": 7,
    "testing": 7,
}

# Who may import whom within a layer; one direction each.
SIDEWAYS = {
    ("releases", "model"),
    ("resources", "model"),
    ("proto", "_generated"),
    ("codec", "_generated"),
    ("backends", "rpc"),
    ("rpc", "talosconfig"),
    ("rpc", "rpc/pki"),
    ("talosconfig", "rpc/pki"),
    ("kubespan", "runtime"),
    ("discovery", "runtime"),
    ("discovery", "kubespan"),
    ("machineconfig", "kubespan"),
    ("cli", "tui"),
    ("views", "insight"),
    ("sources", "insight"),
    ("sources", "views"),
    ("simulate", "sources"),
    ("__main__", "__init__"),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The module that a file is."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["talos_resources", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The modules of this package that a file imports, each with its line."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "talos_resources":
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "talos_resources":
            for alias in node.names:
                # `from package import x` names a module of it or a value in it
                inner = PACKAGE.joinpath(*str(node.module).split(".")[1:], alias.name)
                is_module = inner.with_suffix(".py").is_file() or inner.is_dir()
                yield node.lineno, f"{node.module}.{alias.name}" if is_module else str(node.module)


def room(relative: str) -> str:
    """The part of the table that a file is in: the longest name that it begins with."""
    return max((name for name in LAYERS if f"{relative.removesuffix('.py')}/".startswith(f"{name}/")), key=len)


def breaks(path: Path) -> Iterator[str]:
    """Each line of the file that imports upwards."""
    relative = path.relative_to(PACKAGE).as_posix()
    own = room(relative)
    for line, module in imports(path):
        theirs = room("/".join(module.split(".")[1:]) or "__init__")
        sideways = LAYERS[theirs] == LAYERS[own] and theirs != own and (own, theirs) not in SIDEWAYS
        if LAYERS[theirs] > LAYERS[own] or sideways:
            yield f"talos_resources/{relative}:{line}: {own} (layer {LAYERS[own]}) imports {module} (layer {LAYERS[theirs]})"


def test_every_package_has_a_layer() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert found <= set(LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    assert list(breaks(path)) == []


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Those who lead back to themselves, together with all that they do so through.

    Each circle is in the order of its names (Tarjan's strongly connected components).
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph.get(name, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1 or name in graph.get(name, ()):
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in graph:
        if name not in index:
            visit(name)
    return found


def test_no_files_import_each_other() -> None:
    # A package's own __init__ is imported before each of its modules; what counts is who names whom.
    graph = {name_of(path): {module for _, module in imports(path)} for path in modules()}
    assert circles(graph) == []


def test_no_packages_of_a_layer_import_each_other() -> None:
    assert circles({name: {theirs for own, theirs in SIDEWAYS if own == name} for name in LAYERS}) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": []}) == [["a", "b", "c"]]
    assert circles({"a": ["a"]}) == [["a"]]


def test_an_upward_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def f():\n    from talos_resources.views.html import table_html\n    import talos_resources.cli.main\n"
    file = tmp_path / "model" / "bad.py"
    file.parent.mkdir()
    file.write_text(source)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    assert list(breaks(file)) == [
        "talos_resources/model/bad.py:2: model (layer 0) imports talos_resources.views.html (layer 5)",
        "talos_resources/model/bad.py:3: model (layer 0) imports talos_resources.cli.main (layer 6)",
    ]
