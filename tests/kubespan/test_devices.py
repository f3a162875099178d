"""WireGuard devices: two of wireguard-go in network namespaces of their own, configured and read by both ways."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from talos_resources.kubespan.devices import ToolDevice, UapiDevice, kernel_device
from talos_resources.kubespan.keys import generate_private_key, public_key
from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig, WireGuardDevice
from talos_resources.model.net import AddrPort, IPPrefix

PATIENCE_S = 30.0
PORT = 51820
PRESHARED = "59tAhjIEJIhkJUF405+Wk7NVoiaXcq4YIV95aYgbEwo="


def sh(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


class Side:
    """A namespace with a device in it.

    Attributes:
        name: of the namespace and of the device.
        underlay: its address outside of the tunnel.
        overlay: its address inside.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.underlay = f"10.77.0.{number}"
        self.overlay = f"fd77::{number}"
        self.private = generate_private_key()
        self.public = public_key(self.private)
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, veth: str) -> None:
        sh("ip", "-n", self.name, "addr", "add", f"{self.underlay}/24", "dev", veth)
        sh("ip", "-n", self.name, "link", "set", veth, "up")
        sh("ip", "-n", self.name, "link", "set", "lo", "up")
        environment = {**os.environ, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"}
        self._program = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "wireguard-go", "-f", self.name],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: Path(f"/var/run/wireguard/{self.name}.sock").exists() and UapiDevice(self.name).read() is not None)
        sh("ip", "-n", self.name, "addr", "add", f"{self.overlay}/64", "dev", self.name, "nodad")
        sh("ip", "-n", self.name, "link", "set", self.name, "up")

    def config(self, *peers: PeerConfig) -> DeviceConfig:
        return DeviceConfig(private_key=self.private, listen_port=PORT, firewall_mark=32, peers=peers)

    def peer(self, *, endpoint: bool = True) -> PeerConfig:
        """This side as the other one shall have it."""
        return PeerConfig(
            public_key=self.public,
            preshared_key=PRESHARED,
            endpoint=AddrPort(ip_address(self.underlay), PORT) if endpoint else None,
            keepalive_s=25,
            allowed_ips=(IPPrefix.parse(f"{self.overlay}/128"),),
        )

    def stop(self) -> None:
        if self._program is not None:
            self._program.terminate()
            self._program.wait(PATIENCE_S)
        sh("ip", "netns", "delete", self.name, check=False)


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    """Two namespaces with a cable between them and a device in each."""
    tag = f"{os.getpid() % 100_000:05}"
    one, two = Side(f"wa{tag}", 1), Side(f"wb{tag}", 2)
    try:
        for side in (one, two):
            sh("ip", "netns", "add", side.name)
        sh("ip", "link", "add", f"va{tag}", "netns", one.name, "type", "veth", "peer", "name", f"vb{tag}", "netns", two.name)
        one.start(f"va{tag}")
        two.start(f"vb{tag}")
        yield one, two
    finally:
        for side in (one, two):
            side.stop()


def echo(one: Side, two: Side) -> bool:
    """Whether a packet passes through the tunnel and comes back."""
    command = ["ip", "netns", "exec", one.name, "ping", "-6", "-c", "1", "-W", "1", two.overlay]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.wireguard
@pytest.mark.parametrize("way", [UapiDevice, ToolDevice])
def test_two_devices_meet(sides: tuple[Side, Side], way: Callable[[str], WireGuardDevice]) -> None:
    one, two = sides
    here, there = way(one.name), way(two.name)
    assert here.read() == {}
    here.configure(one.config(two.peer()))
    there.configure(two.config(one.peer(endpoint=False)))
    until(lambda: echo(one, two))
    seen = (here.read() or {})[two.public]
    assert str(seen.endpoint) == f"{two.underlay}:{PORT}"
    assert not seen.last_handshake_time.is_zero
    assert seen.receive_bytes > 0
    assert seen.transmit_bytes > 0
    # The other side was told no endpoint and has learnt it.
    assert str((there.read() or {})[one.public].endpoint) == f"{one.underlay}:{PORT}"
    # Who stays keeps the session, and the endpoint unless one is given; who is not named goes.
    stranger = PeerConfig(public_key=public_key(generate_private_key()), preshared_key="", endpoint=None, allowed_ips=())
    here.configure(one.config(two.peer(endpoint=False), stranger))
    again = here.read() or {}
    assert set(again) == {two.public, stranger.public_key}
    assert again[two.public].last_handshake_time == seen.last_handshake_time
    assert again[two.public].endpoint == seen.endpoint
    assert again[stranger.public_key].last_handshake_time.is_zero
    here.configure(one.config(two.peer(endpoint=False)))
    assert set(here.read() or {}) == {two.public}
    assert echo(one, two)


@pytest.mark.wireguard
def test_both_ways_read_the_same(sides: tuple[Side, Side]) -> None:
    one, two = sides
    UapiDevice(one.name).configure(one.config(two.peer()))
    mark = sh("wg", "show", one.name, "fwmark").strip()
    assert (mark, sh("wg", "show", one.name, "listen-port").strip()) == ("0x20", str(PORT))
    assert two.overlay in sh("wg", "show", one.name, "allowed-ips")
    [(key, seen)] = (UapiDevice(one.name).read() or {}).items()
    [(same_key, same)] = (ToolDevice(one.name).read() or {}).items()
    assert (key, seen.endpoint) == (same_key, same.endpoint)


@pytest.mark.wireguard
def test_a_device_that_is_not_there(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    for device in (UapiDevice("nosuch0"), ToolDevice("nosuch0")):
        assert device.read() is None
        with pytest.raises(OSError, match="nosuch0") as caught:
            device.configure(one.config())
        assert one.private not in str(caught.value)
        device.remove()
    UapiDevice(one.name).remove()
    until(lambda: UapiDevice(one.name).read() is None)


@pytest.mark.wireguard
def test_a_device_of_the_kernel() -> None:
    """Where the kernel has WireGuard; where not, that is told without an error."""
    name = f"wk{os.getpid() % 100_000:05}"
    device = kernel_device(name)
    if device is not None:
        assert device.read() == {}
        with pytest.raises(OSError, match="cannot make") as caught:
            kernel_device(name)
        assert caught.value.errno == errno.EEXIST
        device.remove()
    assert ToolDevice(name).read() is None


ANSWER = """\
private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
listen_port=12912
public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
allowed_ip=192.168.4.4/32
endpoint=[abcd:23::33]:51820
public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
tx_bytes=38333
rx_bytes=2224
allowed_ip=192.168.4.6/32
persistent_keepalive_interval=111
endpoint=182.122.22.19:3233
last_handshake_time_sec=1700000000
last_handshake_time_nsec=7
errno=0

"""


def serve_once(path: Path, answer: str) -> threading.Thread:
    """A device that gives one answer, in pieces."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def run() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            for start in range(0, len(answer), 100):
                connection.sendall(answer[start : start + 100].encode())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_an_answer_is_read_peer_by_peer(tmp_path: Path) -> None:
    thread = serve_once(tmp_path / "wg0.sock", ANSWER)
    peers = UapiDevice("wg0", sockets=tmp_path).read()
    thread.join(PATIENCE_S)
    assert peers is not None
    first, second = peers.values()
    assert (str(first.endpoint), first.last_handshake_time.is_zero, first.receive_bytes) == ("[abcd:23::33]:51820", True, 0)
    assert (str(second.endpoint), second.receive_bytes, second.transmit_bytes) == ("182.122.22.19:3233", 2224, 38333)
    assert str(second.last_handshake_time) == "2023-11-14T22:13:20.000000007Z"
    assert list(peers)[1] == "WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y="


def test_a_refusal_names_the_device_and_no_key(tmp_path: Path) -> None:
    serve_once(tmp_path / "wg0.sock", "errno=22\n\n")
    with pytest.raises(OSError, match="wg0 refuses: Invalid argument"):
        UapiDevice("wg0", sockets=tmp_path).read()


def test_the_program_is_there_where_it_is_needed() -> None:
    from talos_resources.kubespan.devices import userspace_program

    assert userspace_program() == shutil.which("wireguard-go")
