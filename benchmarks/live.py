"""The command line against a live node, and the server against many clients.

`python -m benchmarks.live` measures `get` over mutual TLS against COSI's own server in Go (which needs Go),
beside talosctl where that is installed, else beside its recorded times on two cores. Then it measures our
server: the CPU time of a list, what 500 watchers of 1,000 updates cost, and how long an update takes to an
idle watcher. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import base64
import json
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, go_program, show, wall_s
from benchmarks.servers import cpu_s, peak_mb, started
from benchmarks.state import received, status
from talos_resources.codec.wire import resource_to_wire
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
from talos_resources.state.derived import update_with_conflicts
from talos_resources.state.events import Updated
from talos_resources.talosconfig.config import TalosConfig

MANY: Final = 10_000
FEW: Final = 4
RECORDED_FEW_S: Final = 0.04
RECORDED_MANY_S: Final = {"wide": 1.08, "yaml": 1.17, "json": 1.63}
FEW_AT_MOST: Final = 2.0
FEW_PYTHONS: Final = 9.0
LIST_CPU_S: Final = 0.35
WATCHERS: Final = 500
UPDATES: Final = 1_000
WATCH_MEMORY_MB: Final = 300
IDLE_MS: Final = 10.0


def wire_file(count: int, path: Path) -> Path:
    """A file of so many peer statuses."""
    entries = []
    for i in range(count):
        made = status(i)
        wire = base64.b64encode(resource_to_wire(made)).decode()
        entries.append({"namespace": made.namespace, "type": made.type, "id": made.id, "wire": wire})
    path.write_text(json.dumps(entries))
    return path


@contextmanager
def go_node(program: Path, folder: Path, load_from: Path) -> Iterator[tuple[str, Path]]:
    """Runs the Go node with mutual TLS; gives its address and a talosconfig."""
    folder.mkdir()
    authority = authority_in(folder)
    credentials = server_credentials(authority, "127.0.0.1")
    assert credentials.crt is not None
    assert credentials.key is not None
    (folder / "server.crt").write_bytes(credentials.crt)
    (folder / "server.key").write_bytes(credentials.key)
    files = ["-ca", str(folder / "ca.crt"), "-crt", str(folder / "server.crt"), "-key", str(folder / "server.key")]
    with started([str(program), *files, "-load", str(load_from)]) as (_, address):
        yield address, write_talosconfig(folder, authority, address)


def go_client(program: Path, folder: Path, address: str, talosconfig: Path) -> list[str]:
    """The command of the Go client."""
    context = TalosConfig.load(talosconfig).context()
    for name, value in (("client.crt", context.crt), ("client.key", context.key)):
        assert value is not None
        (folder / name).write_bytes(value)
    pem = ["-ca", str(folder / "ca.crt"), "-crt", str(folder / "client.crt"), "-key", str(folder / "client.key")]
    return [str(program), "-address", address, *pem]


def our_client(talosconfig: Path, output: str) -> list[str]:
    """Our command."""
    node = ["-n", "127.0.0.1", "--talosconfig", str(talosconfig)]
    return [sys.executable, "-m", "talos_resources", "get", "kubespanpeerstatuses", *node, "-o", output]


def command_line(folder: Path) -> Iterator[Figure]:
    """`get` against the Go node, beside talosctl."""
    node, lister = go_program(folder, "./node"), go_program(folder, "./list")
    if node is None or lister is None:
        print("no Go here: the command line is not measured")
        return
    nothing = wall_s([sys.executable, "-c", "pass"])
    yield Figure("Python that does nothing", nothing)
    with go_node(node, folder / "few", wire_file(FEW, folder / "few.wire.json")) as (address, talosconfig):
        yield Figure(f"{FEW} resources, a Go client that prints nothing", wall_s(go_client(lister, folder / "few", address, talosconfig)))
        theirs, how = talosctl_s(talosconfig, "wide", RECORDED_FEW_S)
        ours = wall_s(our_client(talosconfig, "wide"))
        yield Figure(f"{FEW} resources, wide", ours, peer=theirs, at_most=FEW_AT_MOST, of_peer=True, note=how)
        beside = "beside Python that does nothing"
        yield Figure(f"{FEW} resources, wide", ours, peer=nothing, at_most=FEW_PYTHONS, of_peer=True, note=beside)
    with go_node(node, folder / "many", wire_file(MANY, folder / "many.wire.json")) as (address, talosconfig):
        yield Figure(f"{MANY} resources, a Go client that prints nothing", wall_s(go_client(lister, folder / "many", address, talosconfig)))
        for output, recorded in RECORDED_MANY_S.items():
            theirs, how = talosctl_s(talosconfig, output, recorded)
            ours = wall_s(our_client(talosconfig, output))
            yield Figure(f"{MANY} resources, {output}", ours, peer=theirs, at_most=1.0, of_peer=True, note=how)


def talosctl_s(talosconfig: Path, output: str, recorded: float) -> tuple[float, str]:
    """What talosctl takes, and how that is known."""
    talosctl = shutil.which("talosctl")
    if talosctl is None:
        return recorded, "talosctl as recorded elsewhere"
    form = "table" if output == "wide" else output
    return wall_s(
        [talosctl, "--talosconfig", str(talosconfig), "-n", "127.0.0.1", "get", "kubespanpeerstatuses", "-o", form]
    ), "talosctl here"


@contextmanager
def our_server(folder: Path, load_from: Path) -> Iterator[tuple[int, Path]]:
    """Runs `serve` with mutual TLS; gives its process id and a talosconfig."""
    command = [sys.executable, "-m", "talos_resources", "serve", "--listen", "127.0.0.1:0", "--pki", str(folder), "--from", str(load_from)]
    with started(command) as (process, _):
        yield process.pid, folder / "talosconfig"


def lists(folder: Path) -> Iterator[Figure]:
    """The first list of a server, which encodes what later ones do not have to."""
    times = []
    for i in range(3):
        with our_server(folder / f"lists{i}", folder / "many.wire.json") as (pid, talosconfig), connect(talosconfig=talosconfig) as client:
            before = cpu_s(pid)
            assert len(client.list(KubeSpanPeerStatus)) == MANY
            times.append(cpu_s(pid) - before)
    yield Figure(f"{MANY} resources over mutual TLS, server CPU", statistics.median(times), at_most=LIST_CPU_S)


def watches(folder: Path) -> Iterator[Figure]:
    """Has many watchers see many updates; then one of an idle watcher."""
    one = wire_file(1, folder / "one.wire.json")
    with our_server(folder / "watches", one) as (pid, talosconfig), connect(talosconfig=talosconfig) as client:
        [first] = client.list(KubeSpanPeerStatus)
        followers = [client.watch_kind(KubeSpanPeerStatus, bootstrap=False) for _ in range(WATCHERS)]
        lost: list[int] = []

        def follow(events: Any) -> None:
            versions: list[int] = []
            while len(versions) < UPDATES:
                versions += [event.resource.version for event in events.next_batch(120) if isinstance(event, Updated)]
            expected = list(range(first.version + 1, first.version + 1 + UPDATES))
            lost.append(0 if versions == expected else 1)

        threads = [threading.Thread(target=follow, args=(events,)) for events in followers]
        for thread in threads:
            thread.start()
        start, before = time.perf_counter(), cpu_s(pid)
        for n in range(UPDATES):
            update_with_conflicts(client, KubeSpanPeerStatus, first.id, received(n))
        for thread in threads:
            thread.join()
        took, used = time.perf_counter() - start, cpu_s(pid) - before
        assert sum(lost) == 0, f"{sum(lost)} watchers lost something"
        for events in followers:
            events.close()
        yield Figure(f"{UPDATES} updates to {WATCHERS} watchers, none lost", took)
        yield Figure("the same, server CPU", used)
        yield Figure("memory of the server at its most", peak_mb(pid), "MB", at_most=WATCH_MEMORY_MB)
        yield Figure("from an update to an idle watcher", idle_delay_s(client, first.id) * 1000, "ms", at_most=IDLE_MS)


def idle_delay_s(client: Any, id: str) -> float:
    """The median time between the answer to a write and its event."""
    times = []
    with client.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:
        for n in range(50):
            time.sleep(0.01)
            start = time.perf_counter()
            update_with_conflicts(client, KubeSpanPeerStatus, id, received(n))
            events.next(30)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def figures() -> Iterator[Figure]:
    """All figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wire_file(MANY, folder / "many.wire.json")
        yield from command_line(folder)
        yield from lists(folder)
        yield from watches(folder)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    argparse.ArgumentParser(prog="benchmarks.live", description=__doc__).parse_args(arguments)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard) if soft < 4096 else soft, hard))
    return show(figures(), heading="live nodes over mutual TLS")


if __name__ == "__main__":
    sys.exit(main())
