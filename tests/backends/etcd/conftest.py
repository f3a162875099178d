from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.etcd import EtcdState
from tests.backends.etcd.cluster import Etcd, need_etcd

_numbers = itertools.count()


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """One member that all tests share that break nothing; each has a prefix of its own."""
    need_etcd()
    with Etcd(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture
def own_etcd(tmp_path: Path) -> Iterator[Etcd]:
    """One member for a test that breaks it."""
    need_etcd()
    with Etcd(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Etcd]:
    """Three members."""
    need_etcd()
    with Etcd(tmp_path, 3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sound_three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """Three members that all tests share that break nothing."""
    need_etcd()
    with Etcd(tmp_path_factory.mktemp("three"), 3) as cluster:
        yield cluster


@pytest.fixture
def url(etcd: Etcd) -> str:
    """A prefix of the shared etcd that nobody has used yet."""
    return etcd.url(unused_prefix())


def unused_prefix() -> str:
    """A prefix that nobody has used yet."""
    return f"/test{next(_numbers)}"


Open = Callable[..., EtcdState]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens states that are closed after the test."""
    states: list[EtcdState] = []

    def start(url: str, **options: Any) -> EtcdState:
        states.append(EtcdState(url, **options))
        return states[-1]

    yield start
    for state in states:
        state.close()


@pytest.fixture
def state(opened: Open, url: str) -> EtcdState:
    """An empty state."""
    return opened(url)
