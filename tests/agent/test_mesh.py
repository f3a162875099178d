"""A real mesh: four agents in network namespaces of their own, wireguard-go, our discovery service.

Everything waits for states through watches over the agents' sockets. Packets are looked at on the cable.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, PeerState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.state.contract import State, Watch
from talos_resources.state.events import Created, Destroyed, Updated

pytestmark = [pytest.mark.wireguard, pytest.mark.timeout(600)]

PATIENCE_S = 180.0
UP_S = 120.0
DOWN_S = 420.0  # 275 s without a handshake, and a tick
NETWORK = "10.78.0"
SECRET = "59tAhjIEJIhkJUF405+Wk7NVoiaXcq4YIV95aYgbEwo="
CONFIG = f"""\
version: v1alpha1
machine:
  type: worker
  network:
    kubespan:
      enabled: true
      mtu: 1420
cluster:
  id: jJsd28QHDzPuLVfbI6mIj1FpJHvUUWmTvFfJNQf7jaU=
  secret: {SECRET}
  discovery:
    enabled: true
    registries:
      service:
        endpoint: http://{NETWORK}.254:3000/
"""
PROGRAM = [sys.executable, "-m", "talos_resources"]


def sh(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def within(namespace: str, *command: str) -> list[str]:
    """A command in a namespace, with a folder of its own for WireGuard's sockets."""
    mounted = 'mkdir -p /var/run/wireguard && mount -t tmpfs none /var/run/wireguard && exec "$@"'
    return ["ip", "netns", "exec", namespace, "sh", "-c", mounted, "sh", *command]


class Node:
    """A host with an agent."""

    def __init__(self, mesh: Mesh, number: int) -> None:
        self.name = f"node-{number}"
        self.address = f"{NETWORK}.{number}"
        self.namespace = f"{mesh.tag}n{number}"
        self.cable = f"{mesh.tag}e{number}"
        self.folder = mesh.folder / self.name
        self.socket = mesh.folder / f"{self.name}.sock"
        self.config = CONFIG
        self._process: subprocess.Popen[str] | None = None
        self._client: RemoteState | None = None
        self.folder.mkdir()
        sh("ip", "netns", "add", self.namespace)
        sh("ip", "-n", mesh.hub, "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        sh("ip", "-n", mesh.hub, "link", "set", self.cable, "master", "bridge", "up")
        sh("ip", "-n", self.namespace, "link", "set", "lo", "up")
        sh("ip", "-n", self.namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
        sh("ip", "-n", self.namespace, "link", "set", "eth0", "up")

    def start(self) -> None:
        config = self.folder / "config.yaml"
        config.write_text(self.config)
        arguments = ["--config", str(config), "--state-dir", str(self.folder / "state"), "--nodename", self.name]
        command = within(self.namespace, *PROGRAM, "agent", *arguments, "--listen", f"unix:{self.socket}")
        log = (self.folder / "log").open("a")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        assert self._process.stdout is not None
        assert "listening on" in self._process.stdout.readline(), (self.folder / "log").read_text()
        self._client = connect_plain(f"unix:{self.socket}")

    @property
    def state(self) -> State:
        assert self._client is not None
        return self._client

    def stop(self, number: int = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if self._client is not None:
            self._client.close()
        if process is not None:
            # `ip netns exec` becomes the shell, and that the agent.
            process.send_signal(number)
            process.wait(60)
            assert process.stdout is not None
            process.stdout.close()

    def key(self) -> str:
        self.wait_for(KubeSpanIdentity, lambda there: "local" in there)
        return self.state.get(KubeSpanIdentity, "local").spec.public_key

    def overlay(self) -> str:
        address = self.state.get(KubeSpanIdentity, "local").spec.address
        assert address is not None
        return str(address.address)

    def wait_for(self, kind: type[Any], holds: Callable[[dict[str, Resource[Any]]], object], *, timeout: float = PATIENCE_S) -> None:
        """Follows a kind until what is there holds."""
        there: dict[str, Resource[Any]] = {}
        end = time.monotonic() + timeout
        events: Watch[Any]
        with self.state.watch_kind(kind) as events:
            while True:
                match events.next(max(end - time.monotonic(), 0.001)):
                    case Created(resource) | Updated(resource):
                        there[resource.id] = resource
                    case Destroyed(reference):
                        there.pop(reference.id, None)
                    case _:
                        pass
                if holds(there):
                    return

    def wait_up(self, count: int, *, timeout: float = UP_S) -> None:
        self.wait_for(
            KubeSpanPeerStatus, lambda there: sum(peer.spec.state is PeerState.UP for peer in there.values()) == count, timeout=timeout
        )

    def wait_state(self, peer: str, state: PeerState, *, timeout: float) -> None:
        self.wait_for(KubeSpanPeerStatus, lambda there: peer in there and there[peer].spec.state is state, timeout=timeout)

    def ping(self, address: str, *, source: str | None = None) -> bool:
        own = [] if source is None else ["-I", source]
        command = ["ip", "netns", "exec", self.namespace, "ping", "-c", "1", "-W", "2", *own, address]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


class Mesh:
    """A hub with a bridge and the discovery service, and nodes around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tag = f"m{os.getpid() % 100_000:05}"
        self.hub = f"{self.tag}hub"
        self.nodes: list[Node] = []
        self._service: subprocess.Popen[str] | None = None

    def start(self, count: int) -> None:
        sh("ip", "netns", "add", self.hub)
        sh("ip", "-n", self.hub, "link", "set", "lo", "up")
        sh("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        sh("ip", "-n", self.hub, "address", "add", f"{NETWORK}.254/24", "dev", "bridge")
        sh("ip", "-n", self.hub, "link", "set", "bridge", "up")
        command = ["ip", "netns", "exec", self.hub, *PROGRAM, "discovery", "serve", "--listen", f"{NETWORK}.254:3000", "--insecure"]
        self._service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._service.stdout is not None
        assert "listening on" in self._service.stdout.readline()
        for number in range(1, count + 1):
            self.nodes.append(Node(self, number))

    def stop(self) -> None:
        for node in self.nodes:
            with suppress(Exception):
                node.stop()
            for pid in sh("ip", "netns", "pids", node.namespace, check=False).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            sh("ip", "netns", "delete", node.namespace, check=False)
        if self._service is not None:
            self._service.terminate()
            self._service.wait(30)
            assert self._service.stdout is not None
            self._service.stdout.close()
        sh("ip", "netns", "delete", self.hub, check=False)


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    mesh = Mesh(tmp_path)
    try:
        mesh.start(4)
        yield mesh
    finally:
        mesh.stop()


def caught(mesh: Mesh, node: Node, act: Callable[[], object]) -> bytes:
    """What passes on a node's cable while something is done; caught in the hub."""
    program = (
        "import socket,sys,time\n"
        "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3)); s.bind((sys.argv[1],0)); s.settimeout(0.2)\n"
        "print('ready',flush=True)\n"
        "import threading; stop=threading.Event(); threading.Thread(target=lambda:(sys.stdin.read(),stop.set()),daemon=True).start()\n"
        "data=b''\n"
        "while not stop.is_set():\n"
        "    try: data+=s.recv(65536)+b'|'\n"
        "    except TimeoutError: pass\n"
        "print(data.hex(),flush=True)\n"
    )
    command = ["ip", "netns", "exec", mesh.hub, sys.executable, "-c", program, node.cable]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        act()
        process.stdin.close()
        return bytes.fromhex(process.stdout.readline())


def udp(one: Node, two: Node, payload: bytes) -> bytes:
    """Sends a datagram to the other node's ordinary address, and gives what came and where from."""
    server = (
        "import socket,sys\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((sys.argv[1],4000)); s.settimeout(30); print('ready',flush=True)\n"
        "data,peer=s.recvfrom(2048); print(data.hex(),peer[0],flush=True)\n"
    )
    client = "import socket,sys\nsocket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(bytes.fromhex(sys.argv[2]),(sys.argv[1],4000))\n"
    command = ["ip", "netns", "exec", two.namespace, sys.executable, "-c", server, two.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        sh("ip", "netns", "exec", one.namespace, sys.executable, "-c", client, two.address, payload.hex())
        data, peer = process.stdout.readline().split()
        assert peer == one.address
        return bytes.fromhex(data)


def test_a_mesh_of_four(mesh: Mesh) -> None:
    one, two, three, four = mesh.nodes
    # The first endpoint of the fourth leads nowhere; it announces a second one that works.
    sh("ip", "-n", four.namespace, "address", "delete", f"{four.address}/24", "dev", "eth0")
    sh("ip", "-n", four.namespace, "address", "add", "10.79.0.4/24", "dev", "eth0")
    sh("ip", "-n", four.namespace, "address", "add", f"{four.address}/24", "dev", "eth0")
    starters = [threading.Thread(target=node.start) for node in mesh.nodes]
    for thread in starters:
        thread.start()
    for thread in starters:
        thread.join()
    for node in mesh.nodes:
        node.wait_for(KubeSpanPeerSpec, lambda there: len(there) == 3)
    # All twelve come up: whoever has tried the dead endpoint first has gone on to the one that works.
    for node in mesh.nodes:
        node.wait_up(3, timeout=PATIENCE_S)
    spec = one.state.get(KubeSpanPeerSpec, four.key()).spec
    assert [str(endpoint) for endpoint in spec.endpoints] == ["10.79.0.4:51820", f"{four.address}:51820"]
    assert str(one.state.get(KubeSpanPeerStatus, four.key()).spec.endpoint) == f"{four.address}:51820"

    # Packets pass over the mesh's addresses, and to the ordinary ones: encrypted, and from where they should be.
    assert one.ping(two.overlay())
    secret = b"meant for node two alone"
    seen = caught(mesh, one, lambda: udp(one, two, secret) == secret or pytest.fail("another datagram came"))
    assert seen
    assert secret not in seen
    rules = sh("ip", "netns", "exec", one.namespace, "ip", "rule")
    assert "from all fwmark 0x40/0x60 lookup 180" in rules

    # The keys outlive the agent, and so does the node's place among the others.
    key = two.key()
    two.stop()
    assert "lookup 180" not in sh("ip", "netns", "exec", two.namespace, "ip", "rule")
    assert "kubespan" not in sh("ip", "-n", two.namespace, "link")
    assert "talos_kubespan" not in sh("ip", "netns", "exec", two.namespace, "nft", "list", "tables")
    one.wait_for(KubeSpanPeerSpec, lambda there: key not in there)  # it has left
    seen = caught(mesh, one, lambda: udp(one, two, secret) == secret or pytest.fail("another datagram came"))
    assert secret in seen  # nobody hides it any more
    two.start()
    assert two.key() == key
    one.wait_state(key, PeerState.UP, timeout=PATIENCE_S)

    # Killed without a word, it cleans up after itself when it comes back.
    three.stop(signal.SIGKILL)
    three.start()
    three.wait_up(3, timeout=PATIENCE_S)
    assert sh("ip", "netns", "exec", three.namespace, "ip", "rule").count("lookup 180") == 1


def test_pods_and_peers_that_are_down(mesh: Mesh) -> None:
    one, deaf, three = mesh.nodes[:3]
    for number, node in enumerate((one, deaf, three), 1):
        node.config = CONFIG.replace("enabled: true\n      mtu", "enabled: true\n      advertiseKubernetesNetworks: true\n      mtu")
        sh("ip", "-n", node.namespace, "link", "add", "cni0", "type", "bridge")
        sh("ip", "-n", node.namespace, "address", "add", f"10.244.{number}.1/24", "dev", "cni0")
        sh("ip", "-n", node.namespace, "link", "set", "cni0", "up")
        # As on any host there is some way for every address; the mesh takes what is its own.
        sh("ip", "-n", node.namespace, "route", "add", "default", "via", f"{NETWORK}.254")
    for node in (one, deaf):
        node.config = node.config.replace("enabled: true\n      adv", "enabled: true\n      allowDownPeerBypass: true\n      adv")
    cut = "table inet cut { chain input { type filter hook input priority 0; udp dport 51820 drop; }; }"
    sh("ip", "netns", "exec", deaf.namespace, "nft", cut)
    for node in (one, deaf, three):
        node.start()

    one.wait_state(three.key(), PeerState.UP, timeout=PATIENCE_S)
    networks = [str(network) for network in one.state.get(KubeSpanPeerSpec, three.key()).spec.allowed_ips]
    assert networks[:2] == [f"{three.address}/32", "10.244.3.0/24"]
    assert one.ping("10.244.3.1", source="10.244.1.1")

    # What is meant for a peer that is down passes in the open where the node allows it, and nowhere else.
    one.wait_state(deaf.key(), PeerState.DOWN, timeout=PATIENCE_S)
    three.wait_state(deaf.key(), PeerState.DOWN, timeout=PATIENCE_S)
    assert one.ping(deaf.address)
    assert not three.ping(deaf.address)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_cut_link_goes_down_and_comes_back(mesh: Mesh) -> None:
    """By KubeSpan's own times: down after 275 s without a handshake."""
    one, two = mesh.nodes[:2]
    one.start()
    two.start()
    key = two.key()
    one.wait_state(key, PeerState.UP, timeout=PATIENCE_S)
    sh("ip", "-n", mesh.hub, "link", "set", two.cable, "down")
    one.wait_state(key, PeerState.DOWN, timeout=DOWN_S)
    sh("ip", "-n", mesh.hub, "link", "set", two.cable, "up")
    one.wait_state(key, PeerState.UP, timeout=PATIENCE_S)


def test_what_the_agent_refuses(tmp_path: Path) -> None:
    def refused(text: str, *more: str) -> str:
        (tmp_path / "config.yaml").write_text(text)
        command = [*PROGRAM, "agent", "--config", str(tmp_path / "config.yaml"), "--state-dir", str(tmp_path / "state"), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert SECRET not in line
        return line

    assert "kubespan.enabled is not true" in refused(CONFIG.replace("enabled: true\n      mtu", "enabled: false\n      mtu"))
    assert ".cluster.secret should be set" in refused(CONFIG.replace(f"  secret: {SECRET}\n", ""))
    assert "MTU must be at least 1280" in refused(CONFIG.replace("1420", "1000"))
    assert "--listen takes unix:PATH" in refused(CONFIG, "--listen", "127.0.0.1:1")
