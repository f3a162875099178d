"""The etcd benchmark runs and says what it promises."""

from __future__ import annotations

import pytest

from benchmarks import etcd
from tests.backends.etcd.cluster import Etcd, need_etcd

pytestmark = pytest.mark.etcd


def test_figures(tmp_path_factory: pytest.TempPathFactory) -> None:
    need_etcd()
    with Etcd(tmp_path_factory.mktemp("etcd")) as cluster:
        figures = etcd.measure(cluster.url("/bench"), 20)
        assert list(figures) == ["create", "get", "list_cold", "list", "update", "watch"]
        assert all(value > 0 for value in figures.values())
        assert set(etcd.TARGETS) <= set(figures)
        assert len(list(etcd.grown(cluster, 40))) == 4
        assert len(list(etcd.watched(cluster, 3, updates=5))) == 3
