"""The Go peers: built once, started per test; skipped with a reason where there is no Go."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
from tests.interop.discovery_peers import GoClient, StartClient

INTEROP = Path(__file__).parents[2] / "interop"
DISCOVERY_SERVICE = "github.com/siderolabs/discovery-service/cmd/discovery-service"


def go_for(module: Path) -> str:
    """The go command, with which the programs of a module can be built."""
    found = shutil.which("go")
    if found is None:
        pytest.skip("Go is not installed")
    downloaded = subprocess.run([found, "mod", "download"], cwd=module, capture_output=True, text=True, timeout=300, check=False)
    if downloaded.returncode:
        pytest.skip(f"the Go modules cannot be had: {downloaded.stderr.strip().splitlines()[-1]}")
    return found


@pytest.fixture(scope="session")
def go() -> str:
    """The go command, in whose module our programs can be built."""
    return go_for(INTEROP)


@pytest.fixture(scope="session")
def node_program(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go node, built."""
    program = tmp_path_factory.mktemp("interop") / "node"
    subprocess.run([go, "build", "-o", program, "./node"], cwd=INTEROP, timeout=300, check=True)
    return program


class GoNode:
    """A running Go node; `talosconfig` is None without TLS."""

    def __init__(self, program: Path, folder: Path, *, tls: bool, load: Path | None, capacity: int) -> None:
        arguments = [str(program), "-capacity", str(capacity), *(["-load", str(load)] if load else [])]
        if tls:
            authority = authority_in(folder)
            credentials = server_credentials(authority, "127.0.0.1")
            assert credentials.crt is not None
            assert credentials.key is not None
            (folder / "server.crt").write_bytes(credentials.crt)
            (folder / "server.key").write_bytes(credentials.key)
            arguments += ["-ca", str(folder / "ca.crt"), "-crt", str(folder / "server.crt"), "-key", str(folder / "server.key")]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]
        self.talosconfig = write_talosconfig(folder, authority, self.address) if tls else None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


StartNode = Callable[..., GoNode]


@pytest.fixture
def go_node(node_program: Path, tmp_path: Path) -> Iterator[StartNode]:
    """Starts Go nodes that end with the test."""
    nodes: list[GoNode] = []

    def start(*, tls: bool = False, load: Path | None = None, capacity: int = 1000) -> GoNode:
        folder = tmp_path / f"node{len(nodes)}"
        folder.mkdir()
        nodes.append(GoNode(node_program, folder, tls=tls, load=load, capacity=capacity))
        return nodes[-1]

    yield start
    for node in nodes:
        node.stop()


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real `client` and `service`, built."""
    module, folder = INTEROP / "discovery", tmp_path_factory.mktemp("discovery")
    go = go_for(module)
    for name, package in (("client", "./client"), ("service", DISCOVERY_SERVICE)):
        subprocess.run([go, "build", "-o", folder / name, package], cwd=module, timeout=600, check=True)
    return folder


@pytest.fixture
def go_client(programs: Path) -> Iterator[StartClient]:
    started: list[GoClient] = []

    def start(endpoint: str, name: str, *, ca: Path | None = None, ttl: str = "30m") -> GoClient:
        started.append(GoClient(programs, endpoint, name, ca=ca, ttl=ttl))
        return started[-1]

    yield start
    for client in started:
        client.stop()
