"""Several nodes behind one endpoint: the metadata of a call says which of them answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources._generated.machine_pb2 import VersionResponse
from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError
from talos_resources.model.resource import Resource
from talos_resources.resources import Member
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.headers import LIST, folded, metadata_for
from talos_resources.rpc.messages import list_request
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.endpoint import Endpoint
from talos_resources.rpc.server.nodes import Nodes, ServedNode
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.rpc.version import VERSION

NAMES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
ALIASES = {"worker": "10.0.0.3", "fd00::3": "10.0.0.3"}
MEMBERS = list_request("cluster", "Members.cluster.talos.dev", labels=(), ids=None)

PATIENCE_S = 20

Ask = Callable[..., Channel]


class World:
    """Three nodes; each holds a member of its own name."""

    def __init__(self) -> None:
        self.states: dict[str, MemoryState | None] = {}
        for name in NAMES:
            self.restart(name)

    def restart(self, name: str) -> None:
        state = MemoryState(gap=0)
        state.create(Resource.new(Member(hostname=name), id=name))
        self.states[name] = state

    def nodes(self, version: str = "v1.14.0") -> Nodes:
        served = [ServedNode(name=name, state=lambda name=name: self.states[name]) for name in NAMES]  # type: ignore[misc]
        return Nodes(served, alias=ALIASES.get, common=Common(talos_version=version))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ask() -> Iterator[Ask]:
    """A channel to an endpoint, with metadata."""
    closing: list[Http2Transport | BackgroundServer] = []
    servers: dict[int, BackgroundServer] = {}

    def connect(endpoint: Endpoint, metadata: Mapping[str, str] | None = None, *, node: str | None = None) -> Channel:
        server = servers.get(id(endpoint))
        if server is None:
            server = servers[id(endpoint)] = BackgroundServer(endpoint, "127.0.0.1:0")
            closing.append(server)
        closing.insert(0, transport := Http2Transport(server.address))
        return Channel((transport,), metadata_for(node, metadata), 60.0)

    yield connect
    for each in closing:
        each.close()


def who(channel: Channel) -> list[str]:
    """Whose members a list brings."""
    return [pb.ListResponse.FromString(data).resource.metadata.id for data in channel.gather(LIST, MEMBERS, bytes)]


def refused(call: Callable[[], object]) -> RpcError:
    with pytest.raises(RpcError) as caught:
        call()
    return caught.value


def test_the_metadata_chooses(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), NAMES[1])
    assert who(ask(endpoint)) == ["10.0.0.2"]
    for name in NAMES:
        assert who(ask(endpoint, node=name)) == [name]
    assert who(ask(endpoint, node="worker")) == who(ask(endpoint, node="fd00::3")) == ["10.0.0.3"]
    for name in ("127.0.0.1", "localhost", "::1"):
        assert who(ask(endpoint, node=name)) == ["10.0.0.2"]


def test_unknown_nodes_cannot_be_dialled(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), NAMES[0])
    for name, dialled in {
        "10.0.0.9": "dial tcp 10.0.0.9:50000: connect: connection refused",
        "fd00::9": "dial tcp [fd00::9]:50000: connect: connection refused",
        "nobody": "dial tcp lookup nobody: no such host",
    }.items():
        error = refused(lambda name=name: who(ask(endpoint, node=name)))  # type: ignore[misc]
        assert error.code is Code.UNAVAILABLE
        assert error.text == (
            f'connection error: desc = "transport: Error while dialing: {dialled}"; the nodes here are 10.0.0.1, 10.0.0.2, 10.0.0.3'
        )


def test_a_node_that_is_off_and_on_again(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), NAMES[0])
    channel = ask(endpoint, node="10.0.0.2")
    world.states["10.0.0.2"] = None
    error = refused(lambda: who(channel))
    assert (error.code, "10.0.0.2:50000: connect: no route to host" in error.text) == (Code.UNAVAILABLE, True)
    with pytest.raises(ConnectError, match="10.0.0.2 is switched off"):
        RemoteState(channel.transports, node="10.0.0.2").list(Member)
    world.restart("10.0.0.2")
    state = world.states["10.0.0.2"]
    assert state is not None
    state.create(Resource.new(Member(), id="new"))
    assert who(channel) == ["10.0.0.2", "new"]


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("v1.12.3", "one-2-many proxying is not supported for COSI methods"),
        ("v1.13.0", "one-2-many proxying is not supported for method /cosi.resource.State/List"),
        ("v1.14.0", "one-2-many proxying is not supported for method /cosi.resource.State/List"),
    ],
)
def test_resources_of_several_nodes_take_several_calls(world: World, ask: Ask, version: str, text: str) -> None:
    endpoint = Endpoint(world.nodes(version), NAMES[0])
    for names in ("10.0.0.1", "10.0.0.1,10.0.0.2"):
        error = refused(lambda names=names: who(ask(endpoint, {"nodes": names})))  # type: ignore[misc]
        assert (error.code, error.text) == (Code.INVALID_ARGUMENT, text)


@pytest.mark.parametrize("version", ["v1.12.3", "v1.14.0"])
def test_the_version_of_several_nodes_is_one_answer(world: World, ask: Ask, version: str) -> None:
    """As talosctl v1.12 asks before every `get`: with `nodes`, and who does not answer is in the answer."""
    endpoint = Endpoint(world.nodes(version), NAMES[0])
    world.states["10.0.0.3"] = None
    asked = ("10.0.0.2", "worker", "10.0.0.9", "10.0.0.1")
    answer = VersionResponse.FromString(ask(endpoint, {"nodes": ",".join(asked)}).unary(VERSION, b""))
    assert [message.metadata.hostname for message in answer.messages] == list(asked)
    assert [message.version.tag for message in answer.messages] == [version, "", "", version]
    errors = [message.metadata.error for message in answer.messages]
    assert errors[0] == errors[3] == ""
    assert all(error.startswith("rpc error: code = Unavailable desc = connection error: ") for error in errors[1:3])
    [own] = VersionResponse.FromString(ask(endpoint).unary(VERSION, b"")).messages
    assert not own.HasField("metadata")


def test_one_node_is_one(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), NAMES[0])
    error = refused(lambda: who(ask(endpoint, node="10.0.0.1,10.0.0.2")))
    assert (error.code, error.text) == (Code.INVALID_ARGUMENT, "node metadata must be single-valued")
    error = refused(lambda: ask(endpoint, {"nodes": ",".join(["x"] * 10_001)}).unary(VERSION, b""))
    assert error.code in {Code.INVALID_ARGUMENT, Code.UNAVAILABLE}  # headers of that size do not even arrive


def test_a_worker_answers_for_itself(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), "10.0.0.3", forwards=False)
    for metadata in ({}, {"node": "worker"}, {"node": "10.0.0.3"}, {"nodes": "10.0.0.3"}):
        assert who(ask(endpoint, metadata)) == ["10.0.0.3"]
    for metadata in ({"node": "10.0.0.1"}, {"nodes": "10.0.0.3,10.0.0.1"}, {"node": "nobody"}):
        error = refused(lambda metadata=metadata: who(ask(endpoint, metadata)))  # type: ignore[misc]
        assert (error.code, error.text) == (Code.PERMISSION_DENIED, "no request forwarding")


def test_unknown_methods(world: World, ask: Ask) -> None:
    endpoint = Endpoint(world.nodes(), NAMES[0])
    assert refused(lambda: ask(endpoint).unary("/machine.MachineService/Reboot", b"")).code is Code.UNIMPLEMENTED


def test_headers_that_come_several_times_are_joined() -> None:
    assert folded([("nodes", "a"), (":path", "/x"), ("nodes", "b")]) == {"nodes": "a,b", ":path": "/x"}
    assert folded([("node", "a"), (":path", "/x")]) == {"node": "a", ":path": "/x"}


def test_nodes_are_read_beside_the_loop_and_once(world: World, ask: Ask) -> None:
    """A call may name all nodes of a bundle, and reading them takes a while."""
    threads: list[tuple[str, str]] = []

    def load(name: str) -> None:
        threads.append((name, threading.current_thread().name))

    served = [
        ServedNode(name=name, state=lambda name=name: world.states[name], load=partial(load, name))  # type: ignore[misc]
        for name in NAMES
    ]
    endpoint = Endpoint(Nodes(served, common=Common()), NAMES[0])
    for _ in range(3):
        assert len(VersionResponse.FromString(ask(endpoint, {"nodes": ",".join(NAMES)}).unary(VERSION, b"")).messages) == len(NAMES)
    assert [name for name, _ in threads] == list(NAMES)
    assert not [thread for _, thread in threads if "server" in thread]


def test_a_node_that_is_being_read_is_not_read_anew_when_who_asked_gives_up(world: World) -> None:
    """Read twice at a time it would be two, of which one takes what clients write and the other answers."""
    loads: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def load() -> None:
        loads.append(NAMES[0])
        begun.set()
        assert may_end.wait(PATIENCE_S)

    async def work() -> None:
        nodes = Nodes([ServedNode(name=NAMES[0], state=lambda: world.states[NAMES[0]], load=load)], common=Common())
        first = asyncio.create_task(nodes.method(NAMES[0], LIST))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        first.cancel()
        assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], asyncio.CancelledError)
        second = asyncio.create_task(nodes.method(NAMES[0], LIST))
        asyncio.get_running_loop().call_later(0.01, may_end.set)
        await second

    asyncio.run(work())
    assert loads == [NAMES[0]]
