"""Clients take turns at work, and at room for what they are sent, however many calls each has."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic

from talos_resources.rpc.server.shares import Shares
from talos_resources.rpc.server.work_turns import AT_WORK, SLICE_S, WorkTurns


def work() -> None:
    """For as long as a turn may take."""
    until = monotonic() + SLICE_S
    while monotonic() < until:
        pass


def test_a_client_with_many_calls_has_one_turn_at_a_time() -> None:
    done: list[str] = []

    async def call(turns: WorkTurns, client: str, slices: int) -> None:
        for _ in range(slices):
            await turns.turn(client)
            work()
            done.append(client)

    async def attack() -> None:
        turns = WorkTurns()
        crowd = [asyncio.create_task(call(turns, "stranger", 2)) for _ in range(50)]
        await asyncio.sleep(0)
        await call(turns, "honest", 3)
        await asyncio.gather(*crowd)

    asyncio.run(attack())
    assert done.count("stranger") == 100
    # Of those before the honest one most were given at once: until they have worked nobody knows how long they take.
    assert [place for place, client in enumerate(done) if client == "honest"][-1] <= 12


def test_between_two_turns_the_loop_does_what_else_there_is() -> None:
    async def attack() -> int:
        turns, ticks = WorkTurns(), 0

        async def call() -> None:
            for _ in range(10):
                await turns.turn("stranger")
                work()

        crowd = asyncio.gather(*(call() for _ in range(10)))
        while not crowd.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(attack()) >= 80


def test_turns_that_are_given_up_are_passed_over() -> None:
    async def attack() -> None:
        turns = WorkTurns()
        crowd = [asyncio.create_task(turns.turn("stranger")) for _ in range(1000)]
        await asyncio.sleep(0)
        for task in crowd:
            task.cancel()
        for _ in range(3):
            await turns.turn("stranger")
        assert not turns._waiting

    asyncio.run(attack())


def test_little_of_a_client_is_at_work() -> None:
    most = 0

    async def attack() -> None:
        turns, at_work = WorkTurns(), 0

        async def call(number: int) -> None:
            nonlocal at_work, most
            async with turns.at_work("stranger"):
                at_work += 1
                most = max(most, at_work)
                await turns.turn("stranger")
                at_work -= 1
                if number % 7 == 0:
                    raise ValueError

        calls = [asyncio.create_task(call(number)) for number in range(60)]
        await asyncio.sleep(0)
        for task in calls[10:20]:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        async with turns.at_work("honest"):
            pass
        assert not turns._at_work
        assert not turns._held_back

    asyncio.run(attack())
    assert most == AT_WORK


def test_room_goes_to_who_has_waited_and_wakes_nobody_else() -> None:
    order: list[str] = []
    looks = 0

    class Looking(Shares):
        def take(self, client: object, size: int) -> bool:
            nonlocal looks
            looks += 1
            return super().take(client, size)

    async def attack() -> None:
        shares = Looking(100, 50)

        async def call(client: str) -> None:
            async with shares.holding(client, 50):
                await asyncio.sleep(0)
                order.append(client)

        crowd = [asyncio.create_task(call(client)) for _ in range(200) for client in ("a", "b")]
        await asyncio.sleep(0)
        honest = asyncio.create_task(call("honest"))
        await asyncio.sleep(0)
        for task in crowd[100:150]:
            task.cancel()
        await honest
        assert len(order) < 10
        await asyncio.gather(*crowd, return_exceptions=True)
        assert shares.held == 0
        assert not shares._waiting

    asyncio.run(attack())
    assert len(order) == 351
    assert looks < 351 * 8


def test_room_that_was_handed_to_one_who_has_left_goes_on() -> None:
    async def attack() -> None:
        shares = Shares(10, 10)

        async def call() -> None:
            async with shares.holding("a", 10):
                await asyncio.sleep(0)

        async with shares.holding("a", 10):
            first, second = (asyncio.create_task(call()) for _ in range(2))
            await asyncio.sleep(0)
        first.cancel()  # it has been handed the room, and does not know yet
        with suppress(asyncio.CancelledError):
            await first
        await second
        assert shares.held == 0

    asyncio.run(attack())
