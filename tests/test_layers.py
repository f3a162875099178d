"""Imports go down only: to a lower layer or to the same package. Late imports inside functions count too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
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

# One file and the one module above it that it may import.
UPWARDS = {("state/listing.py", "talos_resources.views.html"), ("model/resource.py", "talos_resources.views.html")}
UPWARDS |= {("insight/mesh.py", "talos_resources.views.mesh_html"), ("insight/doctor.py", "talos_resources.views.mesh_text")}
UPWARDS |= {("insight/doctor.py", "talos_resources.views.findings"), ("model/finding.py", "talos_resources.views.findings")}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The modules of this package that a file imports, each with its line."""
    package = ("talos_resources", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "talos_resources":
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "talos_resources":
                # `from talos_resources import sources` names a package, `... import __version__` a value
                for alias in node.names:
                    yield node.lineno, f"{module}.{alias.name}" if alias.name in LAYERS else module
            elif module.startswith("talos_resources."):
                yield node.lineno, module


def room(relative: str) -> str:
    """The part of the table that a file is in: the longest name that it begins with."""
    return max((name for name in LAYERS if f"{relative.removesuffix('.py')}/".startswith(f"{name}/")), key=len)


def breaks(path: Path) -> Iterator[str]:
    """Each line of the file that imports upwards."""
    relative = path.relative_to(PACKAGE).as_posix()
    own = room(relative)
    for line, module in imports(path):
        if (relative, module) in UPWARDS or module == "talos_resources":
            continue
        theirs = room("/".join(module.split(".")[1:]))
        sideways = LAYERS[theirs] == LAYERS[own] and theirs != own and (own, theirs) not in SIDEWAYS
        if LAYERS[theirs] > LAYERS[own] or sideways:
            yield f"talos_resources/{relative}:{line}: {own} (layer {LAYERS[own]}) imports {module} (layer {LAYERS[theirs]})"


def test_every_package_has_a_layer() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert found <= set(LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    assert list(breaks(path)) == []


def test_no_two_packages_import_each_other() -> None:
    assert {(theirs, own) for own, theirs in SIDEWAYS}.isdisjoint(SIDEWAYS)


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
