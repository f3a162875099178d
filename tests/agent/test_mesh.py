"""A real mesh: four agents in network namespaces of their own, wireguard-go, our discovery service."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.resources import KubeSpanPeerSpec, KubeSpanPeerStatus, PeerState
from tests.agent.mesh import CONFIG, DOWN_S, NETWORK, PATIENCE_S, PROGRAM, SECRET, Mesh, caught, sh, udp, until

pytestmark = [pytest.mark.wireguard, pytest.mark.timeout(600)]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    mesh = Mesh(tmp_path)
    try:
        mesh.start(4)
        yield mesh
    finally:
        mesh.stop()


def test_a_mesh_of_four(mesh: Mesh) -> None:
    one, two, three, four = mesh.nodes
    # The first endpoint of the fourth leads nowhere; it announces a second one that works.
    sh("ip", "-n", four.namespace, "address", "delete", f"{four.address}/24", "dev", "eth0")
    sh("ip", "-n", four.namespace, "address", "add", "10.77.0.4/24", "dev", "eth0")
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
    assert [str(endpoint) for endpoint in spec.endpoints] == ["10.77.0.4:51820", f"{four.address}:51820"]
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
    until(lambda: one.ping("10.244.3.1", source="10.244.1.1"))

    # What is meant for a peer that is down passes in the open where the node allows it, and nowhere else.
    one.wait_state(deaf.key(), PeerState.DOWN, timeout=PATIENCE_S)
    three.wait_state(deaf.key(), PeerState.DOWN, timeout=PATIENCE_S)
    assert one.ping(deaf.address)
    assert not three.ping(deaf.address)


def test_peers_on_one_link_find_each_other_over_ipv6(mesh: Mesh) -> None:
    nodes = mesh.nodes[:2]
    for number, node in enumerate(nodes, 1):
        node.config = CONFIG.replace("mtu: 1420", "mtu: 1420\n      filters: {endpoints: ['::/0']}")
        sh("ip", "-n", node.namespace, "address", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
        node.start()
    one, two = nodes
    one.wait_state(two.key(), PeerState.UP, timeout=PATIENCE_S)
    two.wait_state(one.key(), PeerState.UP, timeout=PATIENCE_S)
    for node in nodes:
        sh("ip", "-n", node.namespace, "neighbour", "flush", "dev", "eth0")
    until(lambda: one.ping(two.overlay()))
    assert two.ping(one.overlay())


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

    assert "does not enable KubeSpan" in refused(CONFIG.replace("enabled: true\n      mtu", "enabled: false\n      mtu"))
    assert "cluster secret (.cluster.secret or DiscoveryIdentityConfig) should be set" in refused(
        CONFIG.replace(f"  secret: {SECRET}\n", "")
    )
    assert "MTU must be at least 1280" in refused(CONFIG.replace("1420", "1000"))
    assert "--listen takes unix:PATH" in refused(CONFIG, "--listen", "127.0.0.1:1")
