"""Attacks on `serve` and `discovery serve`, with an honest client beside them.

`python -m benchmarks.attack [--server serve|discovery] [--seconds N] [NAME...]` makes each attack for so long and says
what it cost the attacker, the worst answer that an honest client of another address got meanwhile, and the server's
memory before, at most, and after. `--mixed SECONDS` lets three attackers do one thing after the other as chance has
it, on both servers at a time; `--seed` repeats it. It ends with 1 if an honest client was refused or waited for more
than the budget, or if memory did not come back. Memory before is that of a server that has seen a crowd once and rested:
the first one has it take memory that all later ones use again.

Servers, clients, attackers and whatever else runs share the machine's cores, so of each answer is told, too, how long
it takes on a machine that has a core for the server and one for the client: without the time for which these two were
ready and had none (the kernel counts it), and at least what both used of the CPU meanwhile. That is what the budget is
for. The longest turn of the server's event loop stands beside it, in seconds of its CPU; see `benchmarks.attacked`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.attacked import TURN
from benchmarks.attackers import ATTACKS
from benchmarks.live import wire_file
from benchmarks.servers import memory_mb, started
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from tests.discovery.asking import Asking

SERVERS: Final = ("serve", "discovery")
WORST_S: Final = 1.0
BACK: Final = 1.2
"""Memory after an attack to that before it."""
RESOURCES: Final = 3_000
AFFILIATES: Final = 200
WARM_UP: Final = ("shut_windows", 5.0)
REST_S: Final = 25.0
"""After an attack, with the honest client going on."""


@attrs.define
class Honest:
    """Somebody who asks, again and again, and what became of it.

    Attributes:
        ask: asks for everything that there is; raises if it is not answered, or not fully.
        process: of the server.
        worst_s: the longest answer.
        own_s: the longest one without what the machine had others do meanwhile.
        answers: how many.
        failures: what went wrong.
    """

    ask: Callable[[], None]
    process: int
    worst_s: float = 0.0
    own_s: float = 0.0
    answers: int = 0
    failures: list[str] = attrs.field(factory=list)
    _over: threading.Event = attrs.field(factory=threading.Event)

    def run(self) -> None:
        """Asks until it is over."""
        while not self._over.is_set():
            begin, used, waited = time.monotonic(), *self._scheduled()
            try:
                self.ask()
            except Exception as error:  # noqa: BLE001 - it is what is measured
                self.failures.append(str(error))
            took, used_then, waited_then = time.monotonic() - begin, *self._scheduled()
            self.answers += 1
            self.worst_s = max(self.worst_s, took)
            self.own_s = max(self.own_s, took - (waited_then - waited), used_then - used)
            self._over.wait(0.05)

    def _scheduled(self) -> tuple[float, float]:
        """Seconds for which the server and this thread have run, and for which they could have but had no core."""
        threads = (self.process, self.process), (os.getpid(), threading.get_native_id())
        found = [Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split() for process, thread in threads]
        return sum(int(told[0]) for told in found) / 1e9, sum(int(told[1]) for told in found) / 1e9

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Asks meanwhile."""
        self.worst_s, self.own_s, self.answers = 0.0, 0.0, 0
        self.failures.clear()
        self._over.clear()
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


@attrs.define
class Target:
    """A server under attack.

    Attributes:
        kind: see `SERVERS`.
        address: of it.
        process: of it.
        turns: where its event loop tells of its longest turn.
        honest: who is to be answered.
    """

    kind: str
    address: str
    process: subprocess.Popen[str]
    turns: Path
    honest: Honest

    def forget_turns(self) -> None:
        """What was the longest turn until now does not count."""
        with self.turns.open("r+b") as file:
            file.write(bytes(TURN.size))

    def longest_turn_s(self) -> float:
        """The longest turn of the event loop since then, in seconds of its CPU."""
        return float(TURN.unpack(self.turns.read_bytes())[1])

    def memory_mib(self) -> float:
        """What it holds of the system's memory."""
        return memory_mb(self.process.pid)


@contextmanager
def target(kind: str) -> Iterator[Target]:
    """A server with something in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        turns = folder / "turns"
        turns.write_bytes(bytes(TURN.size))
        command = [sys.executable, "-m", "benchmarks.attacked", str(turns), *kind.split(), *(["serve"] if kind == "discovery" else [])]
        command += ["--listen", "127.0.0.1:0", "--insecure"]
        command += ["--from", str(wire_file(RESOURCES, folder / "n.wire.json"))] if kind == "serve" else []
        process, address = stack.enter_context(started(command))
        yield Target(kind, address, process, turns, Honest(_question(kind, address, stack), process.pid))


def _question(kind: str, address: str, stack: ExitStack) -> Callable[[], None]:
    if kind == "serve":
        node = stack.enter_context(connect_plain(address, timeout=30))

        def listed() -> None:
            assert len(node.list(KubeSpanPeerStatus)) == RESOURCES, "an answer is not whole"

        return listed
    asking = Asking(address)
    stack.callback(asking.close)
    for number in range(AFFILIATES):
        asking.update(f"node {number}", bytes(2048), ttl=1800)

    def affiliates() -> None:
        assert len(asking.listed()) == AFFILIATES, "an answer is not whole"

    return affiliates


@contextmanager
def attacking(on: Target, name: str, seconds: float, seed: int, found: list[dict[str, Any]]) -> Iterator[subprocess.Popen[bytes]]:
    """An attacker at work; what it cost is added to `found` when it has ended."""
    command = [sys.executable, "-m", "benchmarks.attackers", name, on.kind, on.address, str(seconds), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as attacker:
        try:
            yield attacker
            output = attacker.communicate(timeout=seconds + 60)[0]
            found.append(json.loads(output))
        finally:
            attacker.kill()


def warm_up(on: Target) -> None:
    """Has a server see a crowd, and says what it had before and has after."""
    on.honest.ask()
    fresh = on.memory_mib()
    with on.honest.asking():
        with attacking(on, WARM_UP[0], WARM_UP[1], 0, []):
            pass
        time.sleep(REST_S)
    print(f"{on.kind:10} a fresh server of {fresh:.0f} MiB has {on.memory_mib():.0f} after the first crowd ({WARM_UP[0]})", flush=True)


def measured(on: Target, name: str, seconds: float, seeds: range) -> bool:
    """Attacks, prints a line, and returns whether all went well."""
    on.honest.ask()
    on.forget_turns()
    before = most = on.memory_mib()
    costs: list[dict[str, Any]] = []
    with on.honest.asking(), ExitStack() as stack:
        for seed in seeds:
            stack.enter_context(attacking(on, name, seconds, seed, costs))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            most = max(most, on.memory_mib())
        time.sleep(REST_S)
    after = on.memory_mib()
    honest = on.honest
    cpu, connections, requests = (sum(cost[key] for cost in costs) for key in ("cpu_s", "connections", "requests"))
    good = not honest.failures and honest.own_s <= WORST_S and after <= before * BACK
    print(
        f"{on.kind:10} {name:14} {cpu:6.1f} s CPU {connections:7,} conn {requests:9,} calls   "
        f"{honest.answers:5} answers, worst {honest.worst_s * 1000:6.0f} ms, own {honest.own_s * 1000:5.0f} ms, "
        f"turn {on.longest_turn_s() * 1000:4.0f} ms   {before:5.0f} → {most:5.0f} → {after:5.0f} MiB"
        f"{'' if good else '   !'}{f' {len(honest.failures)} refused: {honest.failures[0]:.80}' if honest.failures else ''}",
        flush=True,
    )
    return good


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.attack", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; none for all")
    parser.add_argument("--server", choices=SERVERS, action="append", help="only this one")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each attack (default: 6)")
    parser.add_argument("--mixed", type=float, metavar="SECONDS", help="at random, on the servers at the same time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in ATTACKS]
    if unknown:
        parser.error(f"there is no attack {unknown[0]!r}; there are {', '.join(ATTACKS)}")
    columns = "server     attack", "what it cost", "honest client", "server's longest turn", "its memory before, at most, after"
    print(" | ".join(columns))
    with ExitStack() as stack:
        targets = [stack.enter_context(target(kind)) for kind in options.server or SERVERS]
        for on in targets:
            warm_up(on)
        if options.mixed is not None:
            results: list[bool] = []
            seeds = range(options.seed, options.seed + 3)
            threads = [threading.Thread(target=lambda on=on: results.append(measured(on, "mixed", options.mixed, seeds))) for on in targets]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return int(len(results) < len(targets) or not all(results))
        found = [
            measured(on, name, options.seconds, range(options.seed, options.seed + 1))
            for on in targets
            for name in options.names or ATTACKS
            if on.kind == "serve" or name != "questions"
        ]
    return int(not all(found))


if __name__ == "__main__":
    sys.exit(main())
