"""What happens at the same moment as the closing of a state, or the login of another call; no etcd is needed for it."""

from __future__ import annotations

import threading

import pytest

from talos_resources.backends.etcd import EtcdState
from talos_resources.backends.etcd.client import EtcdClient
from talos_resources.model.errors import ConnectError
from talos_resources.rpc.client.continuity import Start
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.events import AnyEvent
from talos_resources.state.watch_spec import WatchSpec

SPEC = WatchSpec("default", "os/path")
START = Start(bootstrap=False, bootstrap_bookmark=False, tail_events=0, start_from_bookmark=None)
PATIENCE_S = 60


def test_a_watch_that_is_subscribed_while_the_state_is_closed_connects_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    state = EtcdState("etcd://127.0.0.1:1/closing")

    def head(*_: object) -> tuple[list[AnyEvent], int]:
        state.close()
        return [], 1

    monkeypatch.setattr(state._watcher, "_head", head)
    with pytest.raises(ConnectError, match="closed by this side"):
        state._watcher.open(SPEC, START)
    assert state._watcher._transports == {}


def test_who_waits_for_the_login_of_another_call_waits_no_longer_than_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    state = EtcdState("etcd://user:password@127.0.0.1:1/login")
    asked, answered = threading.Event(), threading.Event()

    def silent(_client: EtcdClient, _index: int, _method: str, _token: str, _message: bytes, _timeout: float) -> bytes:
        asked.set()
        answered.wait(PATIENCE_S)
        raise TransportError("timed out", timed_out=True)

    def log_in() -> None:
        with pytest.raises(TransportError):
            state._client._authenticate(0, "", PATIENCE_S)

    monkeypatch.setattr(EtcdClient, "_unary", silent)
    first = threading.Thread(target=log_in)
    first.start()
    assert asked.wait(PATIENCE_S)
    with pytest.raises(TransportError, match="while another call logs in"):
        state._client._authenticate(0, "", 0.01)
    answered.set()
    first.join(PATIENCE_S)
    state.close()
