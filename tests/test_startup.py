"""What a command may import: the shell user pays for every module at every call."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

HEAVY = {
    "aetcd",
    "asyncio",
    "cattrs",
    "concurrent.futures",
    "cryptography",
    "google.protobuf",
    "grpclib",
    "netaddr",
    "networkx",
    "h2",
    "hpack",
    "re2",
    "rich",
    "ruamel.yaml",
    "textual",
}

# What is not heavy, but not needed for a table either.
NEEDLESS = {
    "base64",
    "difflib",
    "json",
    "pathlib",
    "shutil",
    "ssl",
    "tempfile",
    "talos_resources.codec.goyaml.emit",
    "talos_resources.codec.text",
    "talos_resources.resources.meta.definition",
    "talos_resources.sources.files",
    "talos_resources.sources.writing",
    "talos_resources.views.documents",
    "talos_resources.views.jsonpath",
    "zipfile",
}

SCRIPT = """
import sys
from talos_resources.__main__ import main
code = main()
assert code == 0, code
print("\\n".join(sys.modules), file=sys.stderr)
"""


def modules(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split("\n"))


@pytest.mark.parametrize("arguments", [("get", "kubespanpeerstatuses"), ("get", "kubespanpeerstatuses", "-o", "wide"), ("version",)])
def test_what_a_table_imports(arguments: tuple[str, ...]) -> None:
    assert modules(*arguments) & (HEAVY | NEEDLESS) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "kubespanidentities", "-o", "yaml"),
        ("get", "members", "-o", "json"),
        ("get", "kubespanpeerspecs", "-o", "jsonpath={.spec.endpoints[0]}"),
        ("get", "affiliates", "-l", "!edge"),
        ("rd",),
        ("explain", "kubespanpeerstatus"),
        ("completion", "bash"),
        ("--help",),
    ],
)
def test_what_others_import(arguments: tuple[str, ...]) -> None:
    assert modules(*arguments) & HEAVY == set()


def test_the_library_itself_imports_nothing() -> None:
    script = "import sys, talos_resources; print([m for m in sys.modules if m.startswith(('talos_resources.', 'attr'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_the_library_itself_loads_no_module_of_the_standard_library() -> None:
    """Five milliseconds above `python -c pass`: `typing` and what it needs are several times that."""
    script = "import sys; before = set(sys.modules); import talos_resources; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert set(ast.literal_eval(done.stdout)) <= {"__future__", "talos_resources"}
