"""Clients take turns, however many connections each has and however much has arrived."""

from __future__ import annotations

import asyncio
from time import monotonic

from talos_resources.rpc.server.frame_sizes import AT_ONCE, FrameSizes
from talos_resources.rpc.server.reading_turns import SLICE_S, Arrived, ReadingTurns
from talos_resources.rpc.transport.frames import PREFACE


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

    def part(data: bytes, position: int) -> int:
        return min(len(data), position + 3000)

    for start in range(0, len(sent), 200_000):
        arrived.put(sent[start : start + 200_000])
        arrived.look(part, fed.extend)
    while arrived.look(part, fed.extend):
        pass
    assert fed == sent
    assert not arrived


def test_few_frames_are_looked_at_in_one_go_whatever_came_before() -> None:
    arrived, sizes = Arrived(), FrameSizes()
    parts: list[bytes] = []
    request, data = b"\0\0\1\1\4\0\0\0\1x", b"\0\x40\0\0\0\0\0\0\1" + bytes(0x4000)
    arrived.put(PREFACE + data * 20 + request * 1000)
    while arrived.look(sizes.part, parts.append):
        pass
    assert b"".join(parts) == PREFACE + data * 20 + request * 1000
    assert max(part.count(request) for part in parts) == AT_ONCE
    assert sizes.fit
