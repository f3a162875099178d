"""A real mesh for tests: agents in network namespaces of their own, wireguard-go, our discovery service.

Everything waits for states through watches over the agents' sockets. Packets are looked at on the cable.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, PeerState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.state.contract import State, Watch
from talos_resources.state.events import Created, Destroyed, Updated

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


def until(holds: Callable[[], object], *, timeout: float = PATIENCE_S) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


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

    def command(self, *more: str) -> list[str]:
        """The agent's command, as `start` runs it."""
        config = self.folder / "config.yaml"
        config.write_text(self.config)
        arguments = ["--config", str(config), "--state-dir", str(self.folder / "state"), "--nodename", self.name]
        return within(self.namespace, *PROGRAM, "agent", *arguments, "--listen", f"unix:{self.socket}", *more)

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONFAULTHANDLER": "1", **(environment or {})},
            )
        assert self._process.stdout is not None
        assert "listening on" in self._process.stdout.readline(), (self.folder / "log").read_text()
        self._client = connect_plain(f"unix:{self.socket}")

    @property
    def state(self) -> State:
        assert self._client is not None
        return self._client

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends the agent; one that does not end says in its log where it is, and fails the test."""
        process, self._process = self._process, None
        try:
            if self._client is not None:
                self._client.close()
        finally:
            if process is not None:
                self._end(process, number)

    def _end(self, process: subprocess.Popen[str], number: int) -> None:
        assert process.stdout is not None
        with process.stdout:
            # `ip netns exec` becomes the shell, and that the agent.
            process.send_signal(number)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                process.wait(60)
                raise AssertionError(f"{self.name} did not stop:\n{self.log()}") from None

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

    def sh(self, *command: str, check: bool = True) -> str:
        """A command in the node's namespace."""
        return sh("ip", "netns", "exec", self.namespace, *command, check=check)

    def inside(self, *command: str) -> str:
        """A command where the agent is, which has WireGuard's sockets to itself."""
        assert self._process is not None
        return sh("nsenter", "-t", str(self._process.pid), "-m", "-n", *command)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def programs(self, name: str) -> list[int]:
        """The processes in the node's namespace that run this program."""
        found = []
        for pid in map(int, sh("ip", "netns", "pids", self.namespace).split()):
            with suppress(OSError):  # one that has just ended
                if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
                    found.append(pid)
        return found

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
        "s.setblocking(False)\n"  # what has come and was not looked at yet
        "try:\n"
        "    while True: data+=s.recv(65536)+b'|'\n"
        "except BlockingIOError: pass\n"
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
    """Sends a datagram to the other node's ordinary address, again until it is there, and gives what came and where from.

    The kernel's rules follow the resources a moment later, so the first one may be lost.
    """
    server = (
        "import socket,sys\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((sys.argv[1],4000)); s.settimeout(30); print('ready',flush=True)\n"
        "data,peer=s.recvfrom(2048); print(data.hex(),peer[0],flush=True)\n"
    )
    client = (
        "import contextlib,socket,sys,time\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        "while True:\n"
        "    with contextlib.suppress(OSError): s.sendto(bytes.fromhex(sys.argv[2]),(sys.argv[1],4000))\n"
        "    time.sleep(0.5)\n"
    )
    command = ["ip", "netns", "exec", two.namespace, sys.executable, "-c", server, two.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with subprocess.Popen(["ip", "netns", "exec", one.namespace, sys.executable, "-c", client, two.address, payload.hex()]) as sender:
            line = process.stdout.readline()
            sender.kill()
        data, peer = line.split()
        assert peer == one.address
        return bytes.fromhex(data)
