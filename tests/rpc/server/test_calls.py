"""Calls that our own client does not make: Teardown and TeardownAndDestroy; and who may make which call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import NotFoundError
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanIdentity, Member
from talos_resources.rpc import pki
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.headers import LIST, SERVICE
from talos_resources.rpc.messages import list_request, owner_request
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials
from talos_resources.rpc.server.roles import Role
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.state.waiting import Condition, watch_for

TEARDOWN, TEARDOWN_AND_DESTROY, DESTROY = (f"{SERVICE}{name}" for name in ("Teardown", "TeardownAndDestroy", "Destroy"))
LONG = 30.0

MEMBER = "Members.cluster.talos.dev"
IDENTITY = "KubeSpanIdentities.kubespan.talos.dev"
ChannelOf = Callable[..., Channel]


@pytest.fixture
def state() -> MemoryState:
    return MemoryState(capacity=1000, gap=0)


@pytest.fixture
def channel(state: MemoryState, tmp_path: Path) -> Iterator[ChannelOf]:
    """Connects to a server with mutual TLS, with a certificate of some roles."""
    authority = authority_in(tmp_path)
    began = pki.certificate_from_pem(authority.crt).not_valid_before_utc
    transports: list[Http2Transport] = []
    with BackgroundServer(state, "127.0.0.1:0", credentials=server_credentials(authority, "127.0.0.1")) as server:

        def connect(*roles: Role) -> Channel:
            pair = pki.issue_client(authority, roles=roles, now=began)
            credentials = Credentials(ca=authority.crt, crt=pair.crt, key=pki.standard_key_pem(pair.key))
            transports.append(Http2Transport(server.address, credentials=credentials))
            return Channel((transports[-1],), timeout=LONG)

        yield connect
        for transport in transports:
            transport.close()


def member(id: str, *, owner: str = "") -> bytes:
    return owner_request("cluster", MEMBER, id, owner=owner)


def refusal(call: Callable[[], object]) -> RpcError:
    with pytest.raises(RpcError) as caught:
        call()
    return caught.value


def test_teardown_says_whether_it_can_be_destroyed(state: MemoryState, channel: ChannelOf) -> None:
    state.create(Resource.new(Member(), id="free"))
    state.create(Resource.new(Member(), id="held", finalizers=("f",)))
    for name, ready in (("free", True), ("held", False), ("free", True)):  # again is no error
        assert pb.TeardownResponse.FromString(channel(Role.ADMIN).unary(TEARDOWN, member(name))).destroy_ready is ready
        assert state.get(Member, name).phase is Phase.TEARING_DOWN


def test_teardown_and_destroy_waits_for_finalizers(state: MemoryState, channel: ChannelOf) -> None:
    state.create(Resource.new(Member(), id="free"))
    assert channel(Role.ADMIN).unary(TEARDOWN_AND_DESTROY, member("free")) == b""
    state.create(Resource.new(Member(), id="held", finalizers=("f",)))
    answers: list[bytes] = []
    caller = threading.Thread(target=lambda: answers.append(channel(Role.ADMIN).unary(TEARDOWN_AND_DESTROY, member("held"))), daemon=True)
    caller.start()
    torn = watch_for(state, Member, "held", Condition(predicate=lambda found: found.phase is Phase.TEARING_DOWN), timeout=LONG)
    assert torn is not None
    assert answers == []
    state.update(torn.with_finalizers(), expected_phase=None)
    caller.join(LONG)
    assert answers == [b""]
    with pytest.raises(NotFoundError):
        state.get(Member, "held")


@pytest.mark.parametrize("method", [TEARDOWN, TEARDOWN_AND_DESTROY])
def test_what_is_refused_changes_nothing(state: MemoryState, channel: ChannelOf, method: str) -> None:
    owned = state.create(Resource.new(Member(), id="a", owner="me"))
    assert refusal(lambda: channel(Role.ADMIN).unary(method, member("missing"))).code is Code.NOT_FOUND
    error = refusal(lambda: channel(Role.ADMIN).unary(method, member("a", owner="you")))
    assert error.code is Code.PERMISSION_DENIED
    assert "me" in error.text
    assert refusal(lambda: channel(Role.ADMIN).unary(method, b"\xff")).code in {Code.INVALID_ARGUMENT, Code.INTERNAL}
    assert state.get(Member, "a") == owned


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_administrators_write(state: MemoryState, channel: ChannelOf, role: Role) -> None:
    there = state.create(Resource.new(Member(), id="a"))
    for method in (TEARDOWN, TEARDOWN_AND_DESTROY, DESTROY):
        error = refusal(lambda method=method: channel(role).unary(method, member("a")))  # type: ignore[misc]
        assert error.code is Code.PERMISSION_DENIED
        assert error.text.startswith("not authorised: ")
    assert state.get(Member, "a") == there


@pytest.mark.parametrize("role", Role)
def test_what_each_role_reads(state: MemoryState, channel: ChannelOf, role: Role) -> None:
    """The roles that Talos v1.13 adds read no resources: they are for calls that only Talos has."""
    state.create(Resource.new(Member(), id="a"))
    state.create(Resource.new(KubeSpanIdentity(), id="local"))
    found: dict[str, int | str] = {}
    for namespace, kind in (("cluster", MEMBER), ("kubespan", IDENTITY)):
        try:
            found[kind] = len(channel(role).gather(LIST, list_request(namespace, kind, labels=(), ids=None), bytes))
        except RpcError as error:
            assert error.code is Code.PERMISSION_DENIED
            found[kind] = error.text
    nothing = "not authorised: your certificate has none of the roles os:admin, os:operator, os:reader"
    secret = f"not authorised: {IDENTITY} is sensitive, so only os:admin may read it; you are {role}"
    reader = {MEMBER: 1, IDENTITY: secret}
    expected = {Role.ADMIN: {MEMBER: 1, IDENTITY: 1}, Role.OPERATOR: reader, Role.READER: reader}
    assert found == expected.get(role, {MEMBER: nothing, IDENTITY: nothing})


def test_one_role_that_may_is_enough(state: MemoryState, channel: ChannelOf) -> None:
    state.create(Resource.new(Member(), id="a"))
    answer = channel(Role.META_WRITER, Role.ADMIN).unary(TEARDOWN, member("a"))
    assert pb.TeardownResponse.FromString(answer).destroy_ready
