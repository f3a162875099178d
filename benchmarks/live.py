"""The command line against a live node, and the server against many clients.

`python -m benchmarks.live` measures `get` over mutual TLS against COSI's own server in Go (which needs Go),
beside talosctl where that is installed, else beside its recorded times on two cores. Then it measures our
server: the CPU time of a list, what 500 watchers of 1,000 updates cost, and how long an update takes to an
idle watcher. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.state import INTEROP, status
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.resource import Resource
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
FEW_AT_MOST: Final = 2.5
LIST_CPU_S: Final = 0.35
WATCHERS: Final = 500
UPDATES: Final = 1_000
WATCH_MEMORY_MB: Final = 300
RUNS: Final = 5


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
    with subprocess.Popen([str(program), *files, "-load", str(load_from)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            yield address, write_talosconfig(folder, authority, address)
        finally:
            process.terminate()


def wall_s(command: Sequence[str]) -> float:
    """The median wall time of a command, after one run that warms the caches."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


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


def command_line(folder: Path) -> bool:
    """Measures `get` against the Go node; whether the budgets hold."""
    go = shutil.which("go")
    if go is None:
        print("no Go here: the command line is not measured")
        return True
    for name in ("node", "list"):
        subprocess.run([go, "build", "-o", str(folder / name), f"./{name}"], cwd=INTEROP, check=True)
    good = True
    with go_node(folder / "node", folder / "few", wire_file(FEW, folder / "few.wire.json")) as (address, talosconfig):
        go_client_s = wall_s(go_client(folder / "list", folder / "few", address, talosconfig))
        theirs, how = talosctl_s(talosconfig, "wide", RECORDED_FEW_S)
        nothing_s = wall_s([sys.executable, "-c", "pass"])
        note = f"talosctl {how}, a Go client that prints nothing {go_client_s:.3f} s, Python that does nothing {nothing_s:.3f} s"
        good &= row(f"{FEW} resources, wide", wall_s(our_client(talosconfig, "wide")), FEW_AT_MOST * theirs, note)
    with go_node(folder / "node", folder / "many", wire_file(MANY, folder / "many.wire.json")) as (address, talosconfig):
        go_client_s = wall_s(go_client(folder / "list", folder / "many", address, talosconfig))
        for output, recorded in RECORDED_MANY_S.items():
            theirs, how = talosctl_s(talosconfig, output, recorded)
            note = f"talosctl {how}, a Go client that prints nothing {go_client_s:.3f} s"
            good &= row(f"{MANY} resources, {output}", wall_s(our_client(talosconfig, output)), theirs, note)
    return good


def talosctl_s(talosconfig: Path, output: str, recorded: float) -> tuple[float, str]:
    """What talosctl takes, and how that is known."""
    talosctl = shutil.which("talosctl")
    if talosctl is None:
        return recorded, "as recorded"
    form = "table" if output == "wide" else output
    return wall_s([talosctl, "--talosconfig", str(talosconfig), "-n", "127.0.0.1", "get", "kubespanpeerstatuses", "-o", form]), "here"


def row(what: str, ours: float, budget: float, note: str = "", unit: str = "s") -> bool:
    """Prints a figure beside its budget; whether it is within."""
    print(f"{what:44} {ours:8.3f} {unit}   at most {budget:.3f} {unit}{'   MISSED' if ours > budget else ''}   {note}")
    return ours <= budget


@contextmanager
def our_server(folder: Path, load_from: Path) -> Iterator[tuple[int, Path]]:
    """Runs `serve` with mutual TLS; gives its process id and a talosconfig."""
    command = [sys.executable, "-m", "talos_resources", "serve", "--listen", "127.0.0.1:0", "--pki", str(folder), "--from", str(load_from)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert "listening on" in process.stdout.readline()
            yield process.pid, folder / "talosconfig"
        finally:
            process.terminate()


def cpu_s(pid: int) -> float:
    """The CPU time that a process has used, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, in megabytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def lists(folder: Path) -> bool:
    """Measures lists; the first one encodes, which later ones do not have to."""
    times = []
    for i in range(3):
        with our_server(folder / f"lists{i}", folder / "many.wire.json") as (pid, talosconfig), connect(talosconfig=talosconfig) as client:
            before = cpu_s(pid)
            assert len(client.list(KubeSpanPeerStatus)) == MANY
            times.append(cpu_s(pid) - before)
    return row(f"{MANY} resources over mutual TLS, server CPU", statistics.median(times), LIST_CPU_S)


def watches(folder: Path) -> bool:
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
        print(f"{UPDATES} updates to {WATCHERS} watchers, none lost: {took:.1f} s, {used:.1f} s of server CPU")
        good = row("memory of the server at its most", peak_mb(pid), WATCH_MEMORY_MB, unit="MB")
        return good & row("from an update to an idle watcher", idle_delay_s(client, first.id), 0.010)


def received(count: int) -> Callable[[Resource[KubeSpanPeerStatus]], Resource[KubeSpanPeerStatus]]:
    """A change of a peer status."""
    return lambda peer: peer.with_spec(receive_bytes=count)


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


def main() -> int:
    """The command; see the module."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard) if soft < 4096 else soft, hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wire_file(MANY, folder / "many.wire.json")
        good = command_line(folder)
        good &= lists(folder)
        good &= watches(folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
