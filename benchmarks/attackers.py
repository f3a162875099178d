"""What strangers do to a server, each in a process of its own: `python -m benchmarks.attackers NAME KIND ADDRESS SECONDS SEED`.

It ends with a line of JSON: the seconds of CPU that the attack cost, and how many connections and requests it made.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.discovery.messages import LIST as LIST_AFFILIATES
from talos_resources.discovery.messages import UPDATE, ClusterRequest, Duration, UpdateRequest
from talos_resources.discovery.messages import WATCH as WATCH_AFFILIATES
from talos_resources.discovery.wire import encode
from talos_resources.model.kind import kind_of
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.framing import frame
from tests.rpc.server.raw import LIST, WATCH, Raw

SETTINGS_FRAME: Final = b"\0\0\6\4\0\0\0\0\0" + b"\0\4\0\0\xff\xff"
PING_FRAME: Final = b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
EMPTY_FRAME: Final = b"\0\0\0\0\0\0\0\0\1"
STREAMS: Final = {"serve": 1000, "discovery": 100}
"""Calls at a time that a connection may have."""


@attrs.define
class Attacker:
    """A stranger, or several.

    Attributes:
        kind: of the server, `serve` or `discovery`.
        address: of the server.
        until: when to stop, by the monotonic clock.
        dice: what is left to chance.
    """

    kind: str
    address: str
    until: float
    dice: random.Random
    connections: int = 0
    requests: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.until

    def connect(self, **settings: int) -> Raw:
        """A connection from one of a few addresses."""
        self.connections += 1
        source = f"127.0.0.{self.dice.randint(2, 5)}"
        raw = Raw(self.address, source=source, settings={getattr(SettingCodes, name): value for name, value in settings.items()})
        with suppress(OSError, H2Error):  # a server lets a client have as many calls as it says once that has been heard
            raw.h2.receive_data(raw.socket.recv(65536))
            raw.flush()
        return raw

    def ask(self, raw: Raw, data: bytes, *, watch: bool = False, end: bool = True) -> int:
        """Asks with the bytes of a request, and gives the stream's number."""
        self.requests += 1
        paths = (WATCH, LIST) if self.kind == "serve" else (WATCH_AFFILIATES, LIST_AFFILIATES)
        client = f"2001:db8:{self.dice.randrange(1 << 16):x}:{self.dice.randrange(1 << 16):x}::1"
        return raw.request(paths[0] if watch else paths[1], data, end=end, x_real_ip=client)

    def everything(self) -> bytes:
        """The question for all that there is."""
        if self.kind == "discovery":
            return frame(encode(ClusterRequest(cluster_id="c")))
        return frame(pb.ListRequest(namespace="kubespan", type=kind_of(KubeSpanPeerStatus).type).SerializeToString())

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the end."""
        time.sleep(max(0.0, min(seconds, self.until - time.monotonic())))


def _crowd(attacker: Attacker, window: int, data: bytes, *, end: bool) -> None:
    """As many calls as there may be, held open."""
    with_window = {"INITIAL_WINDOW_SIZE": window}
    raws = []
    for _ in range(4000 // STREAMS[attacker.kind]):
        raw = attacker.connect(**with_window)
        raws.append(raw)
        with suppress(OSError, H2Error):
            for _ in range(STREAMS[attacker.kind] - 5):
                attacker.ask(raw, data, end=end)
        if not attacker.goes_on:
            break
    attacker.pause(5)
    for raw in raws:
        raw.socket.close()


def shut_windows(attacker: Attacker) -> None:
    """4,000 Lists by clients that take nothing."""
    _crowd(attacker, 0, attacker.everything(), end=True)


def small_windows(attacker: Attacker) -> None:
    """4,000 Lists by clients that take a byte."""
    _crowd(attacker, 1, attacker.everything(), end=True)


def promises(attacker: Attacker) -> None:
    """4,000 requests that announce 4 MiB."""
    _crowd(attacker, 65535, b"\0\0\x40\0\0" + bytes(80), end=False)


def idle(attacker: Attacker) -> None:
    """1,000 connections that say nothing."""
    raws = []
    for _ in range(1000):
        with suppress(OSError):
            raws.append(attacker.connect())
        if not attacker.goes_on:
            break
    attacker.pause(3)
    for raw in raws:
        raw.socket.close()


def floods(attacker: Attacker) -> None:
    """SETTINGS, PING and empty DATA without end."""
    raw = attacker.connect()
    attacker.ask(raw, b"", end=False)
    flood = attacker.dice.choice([SETTINGS_FRAME, PING_FRAME, EMPTY_FRAME]) * 500
    while attacker.goes_on:
        raw.socket.sendall(flood)


def resets(attacker: Attacker) -> None:
    """Calls that are given up at once."""
    raw = attacker.connect()
    while attacker.goes_on:
        stream = attacker.ask(raw, attacker.everything())
        raw.h2.reset_stream(stream)
        raw.flush()


def names(attacker: Attacker) -> None:
    """Watches of what nobody has written."""
    raw = attacker.connect()
    while attacker.goes_on:
        name = f"made up {attacker.dice.random()}"
        if attacker.kind == "serve":
            data = frame(pb.WatchRequest(namespace=name, type="T", api_version=1).SerializeToString())
        else:
            data = frame(encode(ClusterRequest(cluster_id=name)))
        stream = attacker.ask(raw, data, watch=True)
        raw.h2.reset_stream(stream)
        raw.flush()
        attacker.pause(0.006)  # below the number of calls that may be given up


def questions(attacker: Attacker) -> None:
    """Questions of 500 terms and a long pattern."""
    if attacker.kind == "discovery":
        return
    terms = [pb.LabelTerm(key=f"none {n}", op=pb.LabelTerm.EXISTS, invert=True) for n in range(500)]
    options = pb.ListOptions(label_query=[pb.LabelQuery(terms=terms)], id_query=pb.IDQuery(regexp="(x|.*y|.*z){3}|" * 60))
    data = frame(pb.ListRequest(namespace="kubespan", type=kind_of(KubeSpanPeerStatus).type, options=options).SerializeToString())
    raws: list[Raw] = []
    while attacker.goes_on and len(raws) < 200:
        raw = attacker.connect()
        raws.append(raw)
        for _ in range(7):
            attacker.ask(raw, data)
    attacker.pause(3)
    for raw in raws:
        raw.socket.close()


def watches(attacker: Attacker) -> None:
    """Watches of 500 terms of everything, and changes for them."""
    if attacker.kind == "discovery":
        _changes(attacker)
        return
    terms = [pb.LabelTerm(key=f"none {n}", op=pb.LabelTerm.EXISTS, invert=True) for n in range(500)]
    options = pb.WatchOptions(label_query=[pb.LabelQuery(terms=terms)], bootstrap_contents=True)
    kind = kind_of(KubeSpanPeerStatus)
    data = frame(pb.WatchRequest(namespace="kubespan", type=kind.type, api_version=1, options=options).SerializeToString())
    raws: list[Raw] = []
    while attacker.goes_on and len(raws) < 40:
        raws.append(attacker.connect(INITIAL_WINDOW_SIZE=1 << 20))
        for _ in range(25):
            attacker.ask(raws[-1], data, watch=True)
    attacker.pause(5)
    for raw in raws:
        raw.socket.close()


def _changes(attacker: Attacker) -> None:
    """Clusters as large as they may be, listed by many while they change."""
    raw = attacker.connect()
    cluster = f"mine {attacker.dice.random()}"
    endpoints = tuple(attacker.dice.randbytes(32) for _ in range(64))
    number = 0
    while attacker.goes_on:
        update = UpdateRequest(
            cluster_id=cluster,
            affiliate_id=f"{number % 1000}",
            affiliate_data=bytes(2048),
            affiliate_endpoints=endpoints,
            ttl=Duration(seconds=30),
        )
        for path, message in ((UPDATE, update), (LIST_AFFILIATES, ClusterRequest(cluster_id=cluster))):
            attacker.requests += 1
            address = f"2001:db8:{attacker.dice.randrange(1 << 16):x}:{attacker.dice.randrange(1 << 16):x}::1"
            raw.answer(raw.request(path, frame(encode(message)), x_real_ip=address))
        number += 1


def greedy(attacker: Attacker) -> None:
    """Lists of everything, as many at a time as may be, by a client that takes all."""
    raw = attacker.connect(INITIAL_WINDOW_SIZE=(1 << 31) - 1)
    raw.h2.increment_flow_control_window((1 << 31) - 1 - 65535)
    raw.flush()
    raw.socket.settimeout(0.5)
    while attacker.goes_on:
        for _ in range(min(STREAMS[attacker.kind], 500) - 5):
            attacker.ask(raw, attacker.everything())
        with suppress(TimeoutError):
            while raw.h2.open_outbound_streams and attacker.goes_on:
                raw.h2.receive_data(raw.socket.recv(1 << 20))


def garbage(attacker: Attacker) -> None:
    """Bytes without sense, connection after connection."""
    while attacker.goes_on:
        raw = attacker.connect()
        with suppress(OSError):
            raw.socket.sendall(attacker.dice.randbytes(attacker.dice.randint(1, 2000)))
            raw.socket.close()


_ALL: Final = (shut_windows, small_windows, promises, idle, floods, resets, names, questions, watches, greedy, garbage)
ATTACKS: Final[dict[str, Callable[[Attacker], None]]] = {made.__name__: made for made in _ALL}


def mixed(attacker: Attacker) -> None:
    """One after the other, as chance has it."""
    end = attacker.until
    while time.monotonic() < end:
        attacker.until = min(end, time.monotonic() + attacker.dice.uniform(1, 8))
        with suppress(OSError, H2Error, AssertionError):
            attacker.dice.choice(list(ATTACKS.values()))(attacker)


def main(arguments: list[str]) -> int:
    """One attack; see the module."""
    name, kind, address, seconds, seed = arguments
    os.nice(10)  # what an attack costs its server is to be seen, not that both share a core
    attacker = Attacker(kind, address, time.monotonic() + float(seconds), random.Random(int(seed)))
    attack = mixed if name == "mixed" else ATTACKS[name]
    while attacker.goes_on:
        with suppress(OSError, H2Error, AssertionError):  # it was thrown out
            attack(attacker)
        attacker.pause(0.05)
    print(json.dumps({"cpu_s": time.process_time(), "connections": attacker.connections, "requests": attacker.requests}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
