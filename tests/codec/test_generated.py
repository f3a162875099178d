"""The generated protobuf code is what the .proto files say, and loads with the oldest runtime we allow."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import talos_resources

_PACKAGE = Path(talos_resources.__file__).parent
_MODULES = sorted(path.stem for path in (_PACKAGE / "_generated").glob("*_pb2.py"))


@pytest.mark.slow  # not for its time: it needs grpcio-tools, which only the extra `dev` brings
def test_generated_code_is_current() -> None:
    from talos_resources.proto.generate import generate, outdated

    assert outdated(generate()) == []


@pytest.mark.parametrize("name", _MODULES)
def test_modules_load(name: Any) -> None:
    assert importlib.import_module(f"talos_resources._generated.{name}").DESCRIPTOR.name.startswith("talos_resources/proto/")


def test_version_stamp_is_the_floor_of_the_requirement() -> None:
    project = tomllib.loads((_PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    floor = next(re.fullmatch(r"protobuf>=(\d+)\.(\d+).*", line) for line in project["dependencies"] if line.startswith("protobuf"))
    assert floor is not None
    for name in _MODULES:
        code = (_PACKAGE / "_generated" / f"{name}.py").read_text(encoding="utf-8")
        assert re.search(rf"Domain\.PUBLIC,\s+{floor[1]},\s+{floor[2]},\s+0,\s+'',", code), name
