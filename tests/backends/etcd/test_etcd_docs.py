"""The Python of docs/etcd.md, which the other tests of the documentation leave out for want of an etcd."""

from __future__ import annotations

import pytest

from tests.backends.etcd.cluster import Etcd
from tests.docs.test_examples import ROOT, blocks, run_python

pytestmark = pytest.mark.etcd


def test_the_page(own_etcd: Etcd) -> None:
    page = ROOT / "docs" / "etcd.md"
    text = page.read_text(encoding="utf-8").replace("127.0.0.1:2379", own_etcd.endpoints)
    found = [block for block in blocks(text) if block.language == "python"]
    assert found
    for block in found:
        run_python(block, page, {})
