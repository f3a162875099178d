"""Three replicas of our service over a real etcd, with the real client on each, and replicas that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.etcd.cluster import Etcd, free_ports, need_etcd
from tests.interop.discovery_peers import StartClient, View

pytestmark = [pytest.mark.go, pytest.mark.etcd]

ROUNDS = int(os.environ.get("GO_REPLICA_KILLS", "3"))
"""How many replicas are killed; `GO_REPLICA_KILLS=30` is five minutes."""
BETWEEN_S = 10.0 if ROUNDS > 3 else 4.0
NAMES = ("alder", "birch", "cedar")


class Replica:
    """`discovery serve` as a process of its own."""

    def __init__(self, port: int, state: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self._state = state
        self.start()

    def start(self) -> None:
        command = ["discovery", "serve", "--listen", self.address, "--insecure", "--from", self._state, "--gc-interval", "1s"]
        self._process = subprocess.Popen([sys.executable, "-m", "talos_resources", *command], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("listening on ")

    def kill(self) -> None:
        """SIGKILL: it says good-bye to nobody."""
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Replica]]:
    need_etcd()
    with Etcd(tmp_path) as etcd:
        made = [Replica(port, etcd.url("/discovery")) for port in free_ports(3)]
        yield made
        for replica in made:
            replica.kill()


def others(who: str, spoken: dict[str, int]) -> View:
    """Whom a client should see, each with what it said last."""
    return {name: [f"{name}-{times}"] for name, times in spoken.items() if name != who}


def test_real_clients_on_three_replicas_of_which_one_dies_again_and_again(replicas: list[Replica], go_client: StartClient) -> None:
    # A real client whose announcement fails says nothing more until half of its TTL has passed.
    clients = {name: go_client(replica.address, name, ttl="40s") for name, replica in zip(NAMES, replicas, strict=True)}
    spoken = dict.fromkeys(NAMES, 1)
    for name, client in clients.items():
        client.tell("set", f"{name}-1")
    for name, client in clients.items():
        client.sees(others(name, spoken))
    for round_ in range(ROUNDS):
        victim = replicas[round_ % 3]
        victim.kill()
        speaker = NAMES[(round_ + 1) % 3]  # at a replica that lives
        spoken[speaker] += 1
        clients[speaker].tell("set", f"{speaker}-{spoken[speaker]}")
        time.sleep(BETWEEN_S / 2)
        victim.start()
        for name, client in clients.items():
            seen = client.passes(others(name, spoken))
            assert all(set(view["affiliates"]) == set(NAMES) - {name} for view in seen), "a node was said to be gone that was not"
        time.sleep(BETWEEN_S / 2)
    assert all(client.alive() for client in clients.values())
    clients["alder"].tell("delete")
    del spoken["alder"]
    for name in spoken:
        clients[name].sees(others(name, spoken))
