"""The examples of docs/etcd.md, which the other tests of the documentation leave out for want of an etcd."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.etcd.cluster import Etcd
from tests.docs.test_examples import ROOT, blocks, environment, run_console, run_python

pytestmark = pytest.mark.etcd
__all__ = ["environment"]  # a fixture


def test_the_page(own_etcd: Etcd, tmp_path: Path, environment: dict[str, str]) -> None:
    page = ROOT / "docs" / "etcd.md"
    text = page.read_text(encoding="utf-8").replace("127.0.0.1:2379", own_etcd.endpoints)
    found = [block for block in blocks(text) if "etcd" in block.runs]
    assert {block.language for block in found} == {"python", "console"}
    for block in found:
        if block.language == "python":
            run_python(block, page, {})
        else:
            run_console(block, page, tmp_path, environment)
