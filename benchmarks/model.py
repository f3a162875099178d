"""Random operations on every kind of state against a dict, with watches that must miss nothing.

`python -m benchmarks.model [--operations N] [--seed N] [KIND...]`: so many operations of each kind of state, by two
who share it (two programs on one database, two clients of one server). Each answer, each refusal, each list and each
event is compared with what COSI's rules say; the first that differs ends it with 1. `tests/backends/memory` has the
same for MemoryState with sequences that hypothesis makes small.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.backends.etcd import EtcdState
from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model import errors
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State, Watch
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, brief, path
from tests.backends.etcd.cluster import Etcd
from tests.backends.model import Write

KINDS: Final = ("memory", "sqlite", "etcd", "remote", "remote-sqlite", "remote-etcd")
ROUND: Final = 60
"""Operations on one state before it is thrown away: fewer than the events that the smallest of them keeps."""
IDS: Final = ("a", "b", "c", "é", "\U00010000")
OWNERS: Final = ("", "me", "you")
ZONES: Final = (None, "a", "b")
FINALIZERS: Final = ((), (), ("f",), ("f", "g"))

_prefixes = itertools.count()

Refusal = type[errors.TalosResourcesError] | None


class ViolationError(Exception):
    """A state did what the rules do not say."""


@attrs.define
class Follower:
    """A watch, and what it has been told, has to be told, and asks for."""

    watch: Watch[Any]
    expected: list[str]
    zone: str | None = None
    only: str | None = None


@attrs.define
class Round:
    """A state, its model and its watches.

    Attributes:
        sides: the state as each of those sees it who share it.
        dice: what is left to chance.
        tails: whether watches can begin with the last events.
    """

    sides: tuple[State, ...]
    dice: random.Random
    held: dict[str, Resource[Any]] = attrs.field(factory=dict)
    log: list[Write] = attrs.field(factory=list)
    followers: list[Follower] = attrs.field(factory=list)
    events: int = 0

    def step(self) -> None:
        """One operation."""
        actions = (self._create, self._update, self._destroy, self._follow, self._leave, self._list)
        self.dice.choices(actions, (4, 7, 3, 3, 1, 1))[0]()

    def finish(self) -> None:
        """All that was written is listed and told."""
        self._list()
        while self.followers:
            self._told(self.followers.pop())

    @property
    def _side(self) -> State:
        return self.dice.choice(self.sides)

    def _create(self) -> None:
        name, named, owner = self.dice.choice(IDS), self.dice.choice(OWNERS), self.dice.choice((None, *OWNERS))
        zone = self.dice.choice(ZONES)
        given = path(name, owner=named, labels={"zone": zone} if zone else None, finalizers=self.dice.choice(FINALIZERS))
        refusal: Refusal = errors.AlreadyExistsError if name in self.held else None
        if owner is not None and named and named != owner:
            refusal = errors.OwnerConflictError
        stored = self._attempt(refusal, lambda: self._side.create(given, owner=owner))
        if stored is not None:
            self._same((stored.version, stored.owner), (1, named if owner is None else owner))
            self._wrote(None, stored)

    def _update(self) -> None:
        dice = self.dice
        name, owner, stale = dice.choice(IDS), dice.choice((None, None, *OWNERS)), dice.random() < 0.2
        expected, phase, zone = dice.choice((None, *Phase)), dice.choice((*Phase, Phase.RUNNING)), dice.choice(ZONES)
        held = self.held.get(name)
        given = (held or path(name)).with_metadata(phase=phase, finalizers=dice.choice(FINALIZERS))
        given = given.with_labels(zone=zone) if zone else given.without_labels("zone")
        if stale:
            given = given.with_metadata(version=given.version + 1)
        refusal = _refusal(held, owner, stale=stale, expected=expected)
        stored = self._attempt(refusal, lambda: self._side.update(given, owner=owner, expected_phase=expected))
        if stored is not None and held is not None:
            self._same((stored.version, stored.phase, stored.metadata.created), (held.version + 1, phase, held.metadata.created))
            self._wrote(held, stored)

    def _destroy(self) -> None:
        name, owner = self.dice.choice(IDS), self.dice.choice(OWNERS)
        held = self.held.get(name)
        refusal: Refusal = None
        if held is None:
            refusal = errors.NotFoundError
        elif held.owner != owner:
            refusal = errors.OwnerConflictError
        elif held.metadata.finalizers:
            refusal = errors.PendingFinalizersError
        self._attempt(refusal, lambda: self._side.destroy(PATHS, name, owner=owner))
        if refusal is None:
            self._wrote(held, None)

    def _follow(self) -> None:
        if len(self.followers) >= 6:
            return
        zone = self.dice.choice(ZONES)
        if self.dice.random() < 0.3:
            name = self.dice.choice(IDS)
            held = self.held.get(name)
            begin = [f"-{name}" if held is None else f"+{name}{held.version}"]
            follower = Follower(self._side.watch(PATHS, name), begin, only=name)
        else:
            bootstrap = self.dice.random() < 0.6
            begin = [f"+{r.id}{r.version}" for r in self._sorted() if zone in {None, r.labels.get("zone")}]
            watch = self._side.watch_kind(PATHS, bootstrap=bootstrap, labels=f"zone={zone}" if zone else ())
            follower = Follower(watch, [*begin, "Bootstrapped"] if bootstrap else [], zone)
        self.followers.append(follower)

    def _leave(self) -> None:
        if self.followers:
            self._told(self.followers.pop(self.dice.randrange(len(self.followers))))

    def _told(self, follower: Follower) -> None:
        found = []
        for _ in follower.expected:
            try:
                found.append(brief(follower.watch.next(PATIENCE)))
            except (TimeoutError, StopIteration, errors.TalosResourcesError) as error:
                found.append(repr(error))
                break
        self.events += len(found)
        follower.watch.close()
        self._same(found, follower.expected)

    def _list(self) -> None:
        zone = self.dice.choice(ZONES)
        wanted = [r for r in self._sorted() if zone in {None, r.labels.get("zone")}]
        self._same(list(self._side.list(PATHS, labels=f"zone={zone}" if zone else ())), wanted)
        for name, resource in self.held.items():
            self._same(self._side.get(PATHS, name), resource)

    def _wrote(self, old: Resource[Any] | None, new: Resource[Any] | None) -> None:
        write = Write(old, new)
        if new is not None:
            self.held[new.id] = new
        elif old is not None:
            del self.held[old.id]
        for follower in self.followers:
            word = write.word(follower.zone, follower.only)
            if word is not None:
                follower.expected.append(word)

    def _attempt(self, refusal: Refusal, call: Any) -> Any:
        try:
            stored = call()
        except errors.TalosResourcesError as error:
            self._same(type(error), refusal)
            return None
        self._same(None, refusal)
        return stored

    def _sorted(self) -> list[Resource[Any]]:
        return [self.held[name] for name in sorted(self.held, key=str.encode)]

    @staticmethod
    def _same(found: object, expected: object) -> None:
        if found != expected:
            raise ViolationError(f"found {found!r:.500}, expected {expected!r:.500}")


def _refusal(held: Resource[Any] | None, owner: str | None, *, stale: bool, expected: Phase | None) -> Refusal:
    if held is None:
        return errors.NotFoundError
    if owner not in {None, held.owner}:
        return errors.OwnerConflictError
    if stale:
        return errors.VersionConflictError
    return errors.PhaseConflictError if expected not in {None, held.phase} else None


@contextmanager
def sides(kind: str, folder: Path, etcd: Etcd | None, number: int) -> Iterator[tuple[State, ...]]:
    """A state that nobody has used yet, as the two see it who share it."""
    with ExitStack() as stack:
        if kind.startswith("remote"):
            state = stack.enter_context(sides(kind.partition("-")[2] or "memory", folder, etcd, number))[0]
            server = stack.enter_context(BackgroundServer(state, "127.0.0.1:0"))
            yield tuple(stack.enter_context(connect_plain(server.address, timeout=PATIENCE)) for _ in range(2))
        elif kind == "memory":
            yield (MemoryState(),)
        elif kind == "sqlite":
            file = folder / f"{number}.db"
            yield tuple(stack.enter_context(SqliteState(file)) for _ in range(2))
            for left in folder.glob(f"{number}.db*"):
                left.unlink()
        else:
            assert etcd is not None
            prefix = f"/model{next(_prefixes)}"
            yield tuple(stack.enter_context(EtcdState(etcd.url(prefix))) for _ in range(2))


def played(kind: str, operations: int, seed: int, folder: Path, etcd: Etcd | None) -> bool:
    """Plays rounds, prints a line, and returns whether the rules held."""
    begin = time.monotonic()
    done = events = 0
    for number in itertools.count():
        if done >= operations:
            break
        with sides(kind, folder, etcd, number) as states:
            game = Round(states, random.Random(f"{kind} {seed} {number}"))
            try:
                for _ in range(ROUND):
                    game.step()
                    done += 1
                game.finish()
            except ViolationError as error:
                print(f"{kind:14} VIOLATION in round {number} of seed {seed} at operation {done}: {error}", flush=True)
                return False
            events += game.events
    print(f"{kind:14} {done:9,} operations {events:9,} events, none against the rules, in {time.monotonic() - begin:.0f} s", flush=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.model", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; none for all")
    parser.add_argument("--operations", type=int, default=2_000, help="on each kind (default: 2,000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    unknown = [kind for kind in options.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"there is no kind of state {unknown[0]!r}; there are {', '.join(KINDS)}")
    kinds = options.kinds or KINDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        etcd = stack.enter_context(Etcd(folder)) if any("etcd" in kind for kind in kinds) else None
        found = [played(kind, options.operations, options.seed, folder, etcd) for kind in kinds]
    return int(not all(found))


if __name__ == "__main__":
    sys.exit(main())
