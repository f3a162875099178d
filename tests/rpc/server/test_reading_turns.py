"""Clients take turns, however many connections each has and however much has arrived."""

from __future__ import annotations

import asyncio
from time import monotonic

from talos_resources.rpc.server.reading_turns import SLICE_S, Arrived, ReadingTurns


class Connection:
    """One on which so much has arrived that each look takes as long as a slice."""

    def __init__(self, name: str, looked: list[str], looks: int) -> None:
        self._name = name
        self._looked = looked
        self._looks = looks

    def look(self) -> bool:
        until = monotonic() + SLICE_S
        while monotonic() < until:
            pass
        self._looked.append(self._name)
        self._looks -= 1
        return self._looks > 0


def test_a_client_with_many_connections_has_one_turn() -> None:
    looked: list[str] = []

    async def attack() -> None:
        turns = ReadingTurns()
        for _ in range(50):
            turns.queue("stranger", Connection("stranger", looked, 2))
        await asyncio.sleep(0)
        turns.queue("honest", Connection("honest", looked, 3))
        for _ in range(500):
            await asyncio.sleep(0)  # and whoever waits for something else has theirs in between
        assert turns.nobody_waits

    asyncio.run(attack())
    assert looked.count("stranger") == 100
    assert [place for place, name in enumerate(looked) if name == "honest"][-1] <= 7


def test_what_arrived_is_fed_whole_and_in_order() -> None:
    arrived, fed = Arrived(), bytearray()
    sent = bytes(range(256)) * 2000
    for start in range(0, len(sent), 200_000):
        arrived.put(sent[start : start + 200_000])
        arrived.look(fed.extend)
    while arrived.look(fed.extend):
        pass
    assert fed == sent
    assert not arrived


def test_many_small_requests_are_looked_at_in_smaller_parts() -> None:
    arrived = Arrived()
    parts: list[int] = []

    def feed(part: bytes) -> None:
        parts.append(len(part))
        until = monotonic() + len(part) / 4096 * 0.01  # four kilobytes of them take 10 ms
        while monotonic() < until:
            pass

    arrived.put(bytes(100_000))
    while arrived.look(feed):
        pass
    assert sum(parts) == 100_000
    assert max(parts[8:]) <= 2048
