"""Clusters drawn up by hand, written as the folders of a bundle: a second set of rules, which shares no code with the first.

A plan has boxes at places, says which ways are cut, and changes documents where a fault is one of data. Counters and
handshakes follow from rates and phases, so that reports of different moments fit each other.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from datetime import UTC, datetime
from typing import Any

import attrs

NOW = 1_796_112_000.0
PORT = 51820
ZERO = "0001-01-01T00:00:00Z"
SESSION_S = 121
Doc = dict[str, Any]


@attrs.define(kw_only=True)
class Box:
    name: str
    ip: str
    bits: int = 24
    plane: bool = False
    site: str = "a"
    wan: str = ""
    ports: str = "same"
    """What its router does with the port: `same`, `other` (one for all), `each` (one for each destination)."""
    forward: bool = False
    also: tuple[str, ...] = ()
    """More addresses on its interface."""
    tells: tuple[str, ...] | None = None
    """The endpoints that it announces, if not its addresses and its router's."""
    networks: tuple[str, ...] = ()
    version: str = "v1.12.4"
    key: str = ""
    secret: str = "one"
    cluster: str = "one"
    title: str = "prod"
    skew: float = 0
    read: float = 0
    """So many seconds after the first the report was read."""
    born: float = 900_000
    mtu: int = 1420
    link_mtu: int = 1500
    config: Doc = attrs.field(factory=dict)
    discovery: Doc = attrs.field(factory=dict)
    synced: bool = True
    missing: bool = False
    """Nothing was read of it."""
    log: str = ""
    rebooted: float = 0
    """So many seconds ago: its own counters began anew."""
    mac_of: str = ""
    files: dict[str, list[Doc]] = attrs.field(factory=dict)
    """Documents instead of, or beside, its own."""

    @property
    def public_key(self) -> str:
        return base64.b64encode(hashlib.sha256(f"key {self.key or self.name}".encode()).digest()).decode()

    @property
    def node_id(self) -> str:
        return (
            base64.b64encode(hashlib.sha256(f"id {self.key or self.name}".encode()).digest())
            .decode()[:43]
            .replace("+", "x")
            .replace("/", "y")
        )

    @property
    def mac(self) -> str:
        part = hashlib.sha256(f"mac {self.mac_of or self.key or self.name}".encode()).hexdigest()
        return f"52:54:00:{part[:2]}:{part[2:4]}:{part[4:6]}"

    @property
    def ula(self) -> str:
        a = self.mac.split(":")
        return str(ipaddress.ip_address(f"fd4a:11:9c2e:b802:5054:ff:fe{a[3]}:{a[4]}{a[5]}"))


@attrs.define(kw_only=True)
class Plan:
    boxes: list[Box]
    busy: bool = True
    cut: dict[tuple[str, str], float] = attrs.field(factory=dict)
    """(from, to): packets do not arrive since so many seconds; infinite for never."""
    refused: set[tuple[str, str]] = attrs.field(factory=set)
    """Links whose packets arrive and are refused."""
    unheard: set[tuple[str, str]] = attrs.field(factory=set)
    """(who, whom): discovery did not tell."""
    drop: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    """Box → types that are not in its folder; `*` for all boxes."""

    def of(self, name: str) -> Box:
        return next(box for box in self.boxes if box.name == name)

    def split(self, ones: list[str], others: list[str], since: float, *, back: bool = True) -> Plan:
        for one in ones:
            for other in others:
                if one != other:
                    self.cut[one, other] = since
                    if back:
                        self.cut[other, one] = since
        return self

    def told(self, box: Box) -> list[str]:
        if box.tells is not None:
            return list(box.tells)
        return [at_port(each) for each in (box.ip, *box.also, *((box.wan,) if box.wan else ()))]

    def knows(self, one: Box, other: Box) -> bool:
        same = (one.cluster, one.secret, one.discovery.get("serviceEndpoint")) == (
            other.cluster,
            other.secret,
            other.discovery.get("serviceEndpoint"),
        )
        off = {"enabled": False}.items() <= other.config.items()
        return one is not other and same and not off and (one.name, other.name) not in self.unheard

    def way(self, one: Box, other: Box) -> str | None:
        """The endpoint at which a box can call another."""
        kinds = {":" in each for each in (one.ip, *one.also)}
        for text in self.told(other):
            host = text.rsplit(":", 1)[0].strip("[]")
            if (":" in host) not in kinds:
                continue
            own = host in (other.ip, *other.also)
            if own and (one.site == other.site or not (is_inner(host) or (other.wan and ":" not in host))):
                return text
            if host == other.wan and other.forward and one.site != other.site:
                return text
        return None

    def seen(self, one: Box, other: Box, way: str) -> str:
        """At which endpoint a box is seen by one that it called at `way`."""
        six = way.startswith("[")
        host = next(each for each in (one.ip, *one.also) if (":" in each) == six)
        if six or one.site == other.site or not one.wan:
            return at_port(host)
        part = {"same": None, "other": one.wan, "each": one.wan + other.name}[one.ports]
        return at_port(one.wan, PORT if part is None else 20_000 + int(hashlib.sha256(part.encode()).hexdigest()[:4], 16) % 30_000)

    def status(self, one: Box, other: Box) -> Doc:
        at = NOW + one.read
        born = NOW - min(one.born, other.born)
        calls, called = self.way(one, other), self.way(other, one)
        gone = max(self.cut.get((one.name, other.name), 0), self.cut.get((other.name, one.name), 0))
        pair = "".join(sorted((one.name, other.name)))
        phase = int(hashlib.sha256(pair.encode()).hexdigest()[:6], 16) % SESSION_S
        works = (calls or called) and gone == 0 and (one.name, other.name) not in self.refused
        until = at if works else NOW - gone
        was = bool(calls or called) and until - born > 60 and gone != float("inf") and (one.name, other.name) not in self.refused
        latest = until - (until - phase) % SESSION_S if was else 0.0
        tx, rx = self._bytes(one, other, until - born if was else 0.0), self._bytes(other, one, until - born if was else 0.0)
        tried = self.told(other)
        if one.rebooted and was:
            early = until - one.rebooted - one.read - born
            tx, rx = max(0, tx - self._bytes(one, other, early)), max(0, rx - self._bytes(other, one, early))
        endpoint = calls or (self.seen(other, one, called) if called else (tried[int(at) % len(tried)] if tried else ""))
        if not works:
            silence = min(at - born, gone or at - born)
            tx += 148 * int(silence / 5.4) if endpoint else 0
            arrives = (other.name, one.name) in self.refused or ((other.name, one.name) not in self.cut and called is not None)
            rx += 148 * int(silence / 5.4) if arrives and other.read >= 0 else 0
            endpoint = tried[int(at / 30) % len(tried)] if tried else endpoint
        fresh = works and (latest > 0 or at - born < 275)
        state = "up" if latest and at - latest < 275 else "unknown" if fresh or not was else "down"
        return {
            "endpoint": endpoint,
            "label": other.name,
            "state": state,
            "receiveBytes": rx,
            "transmitBytes": tx,
            "lastHandshakeTime": when(latest + one.skew) if latest else ZERO,
            "lastUsedEndpoint": endpoint,
            "lastEndpointChange": when((born + 30 if works else at - 9) + one.skew),
        }

    def _bytes(self, sender: Box, receiver: Box, seconds: float) -> int:
        part = int(hashlib.sha256(f"{sender.name}>{receiver.name}".encode()).hexdigest()[:6], 16)
        rate = 40 + part % 900 if self.busy else 3
        return int(max(seconds, 0) * rate)


def at_port(host: str, port: int = PORT) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_inner(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return address.is_private or address in ipaddress.ip_network("100.64.0.0/10") if address.version == 4 else address.is_private


def when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
