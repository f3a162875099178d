"""The conformance suite over etcd of one and of three members, and over our server over etcd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from talos_resources.backends.etcd import EtcdState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from talos_resources.testing.conformance import Can, StateConformance
from tests.backends.etcd.cluster import Etcd
from tests.backends.etcd.conftest import unused_prefix

pytestmark = pytest.mark.etcd


class TestEtcd(StateConformance):
    can = Can(tail_events=False)

    @pytest.fixture
    def state(self, url: str) -> Iterator[State]:
        with closing(EtcdState(url)) as state:
            yield state


class TestThreeMembers(StateConformance):
    """Each test begins with another member."""

    can = Can(tail_events=False)

    @pytest.fixture
    def state(self, sound_three: Etcd) -> Iterator[State]:
        prefix = unused_prefix()
        with closing(EtcdState(sound_three.url(prefix))) as state:
            state._client.preferred = int(prefix.removeprefix("/test")) % 3
            yield state


class TestServedEtcd(StateConformance):
    can = Can(tail_events=False)

    @pytest.fixture
    def state(self, url: str) -> Iterator[State]:
        with (
            closing(EtcdState(url)) as held,
            BackgroundServer(held, "127.0.0.1:0") as server,
            closing(connect_plain(server.address)) as client,
        ):
            yield client
