"""The discovery service: changes a second with one, two and three replicas, how soon another tells them, and an affiliate's size.

`python -m benchmarks.discovery [AFFILIATES]`. With Go, the real service does the same without a state; with etcd,
replicas are measured. The clients run on the same cores as the servers, so only ratios mean something: news are told
beside those that the same replica tells, and beside the load of the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.figures import INTEROP, Figure, show
from benchmarks.servers import free_port, listening, memory_mb
from talos_resources.discovery.messages import LIST, UPDATE, WATCH, ClusterRequest, Duration, UpdateRequest, WatchResponse
from talos_resources.discovery.wire import decode, encode
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.transport.http2 import Http2Transport

AFFILIATES: Final = 20_000
IN_A_CLUSTER: Final = 500
CLIENTS: Final = 4
CHANGES: Final = 2_000
NEWS: Final = 500
NEWS_EVERY_S: Final = 0.05
SERVICE: Final = "github.com/siderolabs/discovery-service/cmd/discovery-service"
DATA: Final = b"d" * 300
ENDPOINTS: Final = (b"e" * 16, b"f" * 32)


def ours(stack: ExitStack, *more: str) -> tuple[str, int]:
    """Address and process id of a server of ours."""
    address = f"127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "talos_resources", "discovery", "serve", "--listen", address, "--insecure", *more]
    return address, listening(stack, command, port).pid


def theirs(stack: ExitStack) -> tuple[str, int] | None:
    """Address and process id of the real service; None without Go."""
    go = shutil.which("go")
    if go is None:
        return None
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    subprocess.run([go, "build", "-o", folder / "service", SERVICE], cwd=INTEROP / "discovery", check=True)
    address = f"127.0.0.1:{(port := free_port())}"
    command: list[str | Path] = [folder / "service", "-addr", address, "-landing-addr=", "-metrics-addr=", "-snapshots-enabled=false"]
    return address, listening(stack, command, port).pid


def say(addresses: Sequence[str], affiliates: int, first: int = 0) -> float:
    """Lets clients announce so many affiliates, each client at one of the servers; changes a second."""

    def speak(which: int) -> None:
        transport = Http2Transport(addresses[which % len(addresses)])
        for number in range(first + which, first + affiliates, CLIENTS):
            request = UpdateRequest(
                cluster_id=f"cluster-{number // IN_A_CLUSTER}",
                affiliate_id=f"node-{number % IN_A_CLUSTER}",
                affiliate_data=DATA,
                affiliate_endpoints=ENDPOINTS,
                ttl=Duration(seconds=1800),
            )
            # An address for each few calls, so that no rate limit is met.
            headers = (("x-real-ip", f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1"),)
            Channel((transport,), metadata=headers, timeout=60).unary(UPDATE, encode(request))
        transport.close()

    threads = [threading.Thread(target=speak, args=(which,)) for which in range(CLIENTS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return affiliates / (time.perf_counter() - begin)


def news(speaks: str, watches: str, *, cluster: str) -> list[float]:
    """The seconds from when one server has answered a change until one has told its watcher of it, in order of size.

    Below zero is what was told before it was answered. The changes come one by one.
    """
    answered: dict[str, float] = {}
    told: dict[str, float] = {}
    speaking, watching = Http2Transport(speaks), Http2Transport(watches)
    messages = Channel((watching,)).stream(WATCH, encode(ClusterRequest(cluster_id=cluster)))

    def watch() -> None:
        for batch in messages:
            now = time.perf_counter()
            for message in batch:
                told.update({affiliate.id: now for affiliate in decode(WatchResponse, message).affiliates})
            if len(told) == NEWS:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    channel = Channel((speaking,), timeout=60)
    for number in range(NEWS):
        request = UpdateRequest(cluster_id=cluster, affiliate_id=f"node-{number}", affiliate_data=DATA, ttl=Duration(seconds=1800))
        channel.unary(UPDATE, encode(request))
        answered[request.affiliate_id] = time.perf_counter()
        time.sleep(NEWS_EVERY_S)
    watcher.join(60)
    for transport in (speaking, watching):
        transport.close()
    return sorted(told[name] - at for name, at in answered.items())


def memory(server: tuple[str, int], affiliates: int) -> tuple[float, float]:
    """Changes a second, and the bytes that an affiliate takes."""
    address, pid = server
    transport = Http2Transport(address)
    Channel((transport,), timeout=60).unary(LIST, encode(ClusterRequest(cluster_id="none")))
    transport.close()
    before = memory_mb(pid)
    rate = say([address], affiliates)
    return rate, (memory_mb(pid) - before) * 2**20 / affiliates


def figures(affiliates: int) -> Iterator[Figure]:
    """What it costs."""
    with ExitStack() as stack:
        real = theirs(stack)
        peer = None if real is None else memory(real, affiliates)
        rate, size = memory(ours(stack), affiliates)
        yield Figure("changes in memory", rate, "/s", peer=None if peer is None else peer[0])
        yield Figure(f"an affiliate, of {affiliates}", size, "B", peer=None if peer is None else peer[1])
    etcd = shutil.which("etcd")
    if etcd is None:
        return
    for count in (1, 2, 3):
        with ExitStack() as stack:
            folder, client, members = stack.enter_context(tempfile.TemporaryDirectory()), free_port(), free_port()
            urls = [f"--{name}=http://127.0.0.1:{client}" for name in ("listen-client-urls", "advertise-client-urls")]
            inner = [f"--{name}=http://127.0.0.1:{members}" for name in ("listen-peer-urls", "initial-advertise-peer-urls")]
            listening(stack, [etcd, f"--data-dir={folder}", *urls, *inner, f"--initial-cluster=default=http://127.0.0.1:{members}"], client)
            servers = [ours(stack, "--from", f"etcd://127.0.0.1:{client}/discovery") for _ in range(count)]
            yield Figure(f"changes over etcd, replicas: {count}", say([address for address, _ in servers], CHANGES), "/s")
            if count > 1:
                yield from _news(servers[0][0], servers[-1][0])


def _news(one: str, other: str) -> Iterator[Figure]:
    """How soon another server tells what one was told, beside how soon that one tells it."""
    own, elsewhere = news(one, one, cluster="own"), news(one, other, cluster="elsewhere")
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    for name, place in (("half of all", 0.5), ("99 of 100", 0.99)):
        mine, theirs = (found[int(place * len(found))] * 1000 for found in (own, elsewhere))
        yield Figure(f"news of one at another, {name} within", theirs, "ms", note=f"at the same one {mine:.1f} ms; {load}")


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.discovery", description=__doc__)
    parser.add_argument("affiliates", nargs="?", type=int, default=AFFILIATES)
    return show(figures(parser.parse_args(arguments).affiliates), heading="discovery")


if __name__ == "__main__":
    sys.exit(main())
