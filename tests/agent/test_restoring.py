"""Whatever is taken from an agent's network comes back, and nothing for a peer passes in the clear meanwhile.

One mesh of two nodes; a sender keeps talking to the other's ordinary address while packets are caught on the cable.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from talos_resources.codec.text import resource_to_yaml
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, KubeSpanPeerStatus, Namespace, PeerState
from talos_resources.state.events import Created, Updated
from tests.agent.mesh import PATIENCE_S, Mesh, Node, sh, until

pytestmark = [pytest.mark.wireguard, pytest.mark.timeout(300)]

CLEAR_S = 2.0
"""So long may pass until what was taken away is back; a promise to users, measured by the times of packets."""
_SENDER = (
    "import socket,sys,time\n"
    "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
    "while True:\n"
    "    try: s.sendto(sys.argv[2].encode(),(sys.argv[1],4000))\n"
    "    except OSError: pass\n"  # refused is what we want to see
    "    time.sleep(0.01)\n"
)
_CATCHER = (
    "import socket,struct,sys\n"
    "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3)); s.bind((sys.argv[1],0))\n"
    "s.setsockopt(socket.SOL_SOCKET,35,1)\n"  # SO_TIMESTAMPNS: when it came, not when we got to it
    "print('ready',flush=True)\n"
    "while True:\n"
    "    data,more,*_=s.recvmsg(65536,100)\n"
    "    if sys.argv[2].encode() in data: s_,ns=struct.unpack('qq',more[0][2]); print(s_+ns/1e9,flush=True)\n"
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    mesh = Mesh(tmp_path_factory.mktemp("mesh"))
    try:
        mesh.start(2)
        for node in mesh.nodes:
            node.start()
        for node in mesh.nodes:
            node.wait_up(1)
        yield mesh
    finally:
        mesh.stop()


@contextmanager
def clear_packets(mesh: Mesh, one: Node, two: Node, payload: bytes) -> Iterator[list[float]]:
    """Keeps sending to the other node; gives the times at which this passed on the cable as it is."""
    times: list[float] = []
    catcher = ["ip", "netns", "exec", mesh.hub, sys.executable, "-c", _CATCHER, one.cable, payload.decode()]
    sender = ["ip", "netns", "exec", one.namespace, sys.executable, "-c", _SENDER, two.address, payload.decode()]
    with subprocess.Popen(catcher, stdout=subprocess.PIPE, text=True) as caught:
        assert caught.stdout is not None
        assert caught.stdout.readline() == "ready\n"
        output = caught.stdout
        reader = threading.Thread(target=lambda: times.extend(float(line) for line in output), daemon=True)
        reader.start()
        with subprocess.Popen(sender) as sending:
            try:
                yield times
            finally:
                sending.kill()
                caught.kill()
                reader.join(PATIENCE_S)


def look(node: Node) -> str:
    """All that the agent has made, as the tools show it."""
    commands = ("ip rule", "ip -6 rule", "ip route show table 180", "ip -6 route show table 180", "ip address show kubespan")
    device = ("wg show kubespan allowed-ips", "wg show kubespan listen-port")
    shown = node.inside("sh", "-c", "; ".join((*commands, "nft list ruleset", *device)) + "; true")
    shown = re.sub(r"^\d+: kubespan", "kubespan", shown, flags=re.MULTILINE)  # a link that is made again has another index
    return re.sub(r"inet6 fe80:.*\n.*\n", "", shown)


def kill_wireguard(node: Node, number: int = signal.SIGKILL) -> None:
    for pid in node.programs("wireguard-go"):
        os.kill(pid, number)


FAULTS: dict[str, tuple[Callable[[Node], object], bool]] = {
    "policy rule": (lambda node: node.sh("ip", "rule", "delete", "fwmark", "0x40/0x60"), False),
    "policy rules of another priority": (lambda node: node.sh("sh", "-c", "ip rule add fwmark 0x40/0x60 table 180 priority 99; ip rule delete priority 32500"), False),
    "route": (lambda node: node.sh("ip", "route", "delete", "default", "table", "180", "metric", "1"), False),
    "all routes": (lambda node: node.sh("ip", "route", "flush", "table", "180"), False),
    "a route that leads elsewhere": (lambda node: node.sh("ip", "route", "add", "default", "dev", "eth0", "table", "180", "metric", "0"), False),
    "address": (lambda node: node.sh("ip", "-6", "address", "flush", "dev", "kubespan", "scope", "global"), False),
    "link down": (lambda node: node.sh("ip", "link", "set", "kubespan", "down"), False),
    "link": (lambda node: node.sh("ip", "link", "delete", "kubespan"), False),
    "wireguard-go": (kill_wireguard, False),
    "a wireguard-go that hangs": (lambda node: kill_wireguard(node, signal.SIGSTOP), False),
    "packet chains": (lambda node: node.sh("nft", "flush", "ruleset"), True),
    "a packet chain": (lambda node: node.sh("nft", "flush", "chain", "inet", "talos_kubespan", "kubespan_outgoing"), True),
    "peer of the device": (lambda node: node.inside("sh", "-c", "wg set kubespan peer $(wg show kubespan peers) remove"), False),
    "port of the device": (lambda node: node.inside("wg", "set", "kubespan", "listen-port", "1234"), False),
}  # fmt: skip
"""What is taken away, and whether something may pass in the clear until it is back."""


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_taken_away_comes_back(mesh: Mesh, fault: str) -> None:
    one, two = mesh.nodes
    act, may_pass = FAULTS[fault]
    before = look(one)
    assert "lookup 180" in before
    programs = one.programs("wireguard-go")
    payload = f"words about {fault}".encode()
    with clear_packets(mesh, one, two, payload) as times:
        act(one)
        if "hangs" in fault:
            until(lambda: one.programs("wireguard-go") not in ([], programs))
        until(lambda: look(one) == before)
        one.wait_up(1)
        back = time.time()
        until(lambda: one.ping(two.address))
        one.sh("sleep", "0.3")  # whatever would still pass
    if may_pass:
        assert not times or times[-1] - times[0] < CLEAR_S
    else:
        assert times == []
    assert not [at for at in times if at > back]


def test_no_peer_is_up_while_the_device_is_away(mesh: Mesh) -> None:
    one, two = mesh.nodes
    key = two.key()
    seen: list[PeerState] = []
    with one.state.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:
        kill_wireguard(one)
        end = time.monotonic() + PATIENCE_S
        while seen[-2:] != [PeerState.UNKNOWN, PeerState.UP]:
            match events.next(max(end - time.monotonic(), 0.001)):
                case Created(resource) | Updated(resource) if resource.id == key:
                    seen += [resource.spec.state] if resource.spec.state not in seen[-1:] else []
                case _:
                    pass
    assert PeerState.DOWN not in seen  # its endpoint was right: there is no need to try others
    assert len(one.programs("wireguard-go")) == 1


def test_the_state_shows_what_the_kernel_has(mesh: Mesh) -> None:
    one = mesh.nodes[0]

    def shown(type: str) -> dict[str, Resource[object]]:
        return {found.id: found for found in one.state.list(one.state.kind(type))}

    assert {"180/inet4///1", "180/inet4///4278198272", "180/kubespan/inet6///1"} <= shown("routestatuses").keys()
    assert {"inet4/32500", "inet6/32500"} <= shown("routingrulestatuses").keys()
    assert shown("linkstatuses")["kubespan"].metadata.owner == "network.LinkStatusController"
    assert f"kubespan/{one.overlay()}/64" in shown("addressstatuses")
    assert shown("nftableschains").keys() == {"kubespan_outgoing", "kubespan_prerouting"}
    one.sh("ip", "route", "add", "203.0.113.0/24", "dev", "eth0")
    until(lambda: "inet4//203.0.113.0/24/0" in shown("routestatuses"))
    one.sh("ip", "route", "delete", "203.0.113.0/24", "dev", "eth0")
    until(lambda: "inet4//203.0.113.0/24/0" not in shown("routestatuses"))


def test_the_state_looks_as_that_of_a_talos_node(mesh: Mesh) -> None:
    one, two = mesh.nodes

    def text(type: str, id: str, **where: str) -> str:
        resource = one.state.get(one.state.kind(type), id, **where)
        return resource_to_yaml(resource)

    machine_type = text("machinetypes", "machine-type")
    assert machine_type.endswith("spec: worker\n")
    created, updated = (found[1] for found in re.finditer(r"(?:created|updated): (.*)", machine_type))
    assert created == updated
    assert "owner: config.MachineTypeController" in machine_type
    # What is asked for, and what of all layers holds.
    for kind, layered, merged, owner in (
        ("linkspecs", "operator/kubespan", "kubespan", "network.LinkMergeController"),
        ("addressspecs", f"operator/kubespan/{one.overlay()}/128", f"kubespan/{one.overlay()}/64", "network.AddressMergeController"),
        ("routespecs", "operator/180/inet4///1", "180/inet4///1", "network.RouteMergeController"),
        ("routespecs", "operator/180/kubespan/inet6///1", "180/kubespan/inet6///1", "network.RouteMergeController"),
        ("routingrulespecs", "operator/inet4/32500", "inet4/32500", "network.RoutingRuleMergeController"),
    ):
        asked, holds = text(kind, layered, namespace="network-config"), text(kind, merged)
        assert "owner: kubespan.ManagerController" in asked
        assert f"owner: {owner}" in holds
        assert asked.partition("spec:")[2] == holds.partition("spec:")[2]
    addresses = {found.id for found in one.state.list(one.state.kind("nodeaddresses"))}
    lists = {"accumulative", "current", "routed"}
    assert addresses == {"default", *lists, *(f"{name}-{which}" for name in lists for which in ("no-k8s", "only-k8s"))}
    assert f"- {one.overlay()}/64" in text("nodeaddresses", "routed-no-k8s")
    assert f"address: {one.overlay()}/64" in text("addressstatuses", f"kubespan/{one.overlay()}/64")
    own = next(found for found in two.state.list(Affiliate) if found.spec.nodename == one.name)
    assert [str(address) for address in own.spec.addresses] == [one.address, one.overlay()]
    assert one.state.get(Namespace, "network").spec.description == "Networking resources."


def test_a_second_agent_is_refused(mesh: Mesh) -> None:
    one = mesh.nodes[0]
    [pid] = one.programs("python")

    def refused(*more: str) -> str:
        done = subprocess.run(one.command(*more), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        return line

    before = look(one)
    elsewhere = ("--listen", f"unix:{mesh.folder}/second.sock")
    assert f"another agent (process {pid}) runs on the link kubespan already" in refused(
        *elsewhere, "--state-dir", str(mesh.folder / "other")
    )
    assert f"another agent (process {pid}) keeps its identities in" in refused(*elsewhere, "--link", "other")
    assert "somebody listens there already" in refused("--link", "other", "--state-dir", str(mesh.folder / "other"))
    assert look(one) == before
    one.wait_up(1)


def test_killed_and_started_there_is_one_of_each(mesh: Mesh) -> None:
    one = mesh.nodes[0]
    one.stop(signal.SIGKILL)
    assert one.programs("wireguard-go")  # what it made is still there
    one.start()
    one.stop(signal.SIGKILL)  # perhaps in the middle of making it anew
    one.start()
    one.wait_up(1)
    for version in ("-4", "-6"):
        assert one.sh("ip", version, "rule").count("lookup 180") == 1
        assert one.sh("ip", version, "route", "show", "table", "180").count("default dev kubespan") == 1
        assert one.sh("ip", version, "route", "show", "table", "180").count("unreachable default") == 1
    assert len(one.programs("wireguard-go")) == 1
    assert one.sh("ip", "-o", "link").count("kubespan") == 1
    assert sh("ip", "netns", "exec", one.namespace, "nft", "list", "tables").splitlines() == ["table inet talos_kubespan"]
