"""What only the past shows: links that flap, NATs that forget, and what changed just before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.insight.doctor import Diagnosis, examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.finding import Severity
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources import open_source
from talos_resources.sources.documents import by_node, parse

from .truth_kinds import cloud, home
from .world_resources import documents
from .worlds import NOW, Machine, World

RECORDED = {"KubeSpanPeerStatuses", "KubeSpanPeerSpecs", "KubeSpanConfigs", "KubeSpanIdentities", "Affiliates", "Identities"}


def recorded(path: Path, world: World, *, minutes: int, tick: dict[int, World] | None = None, step_s: int = 30) -> Diagnosis:
    """The diagnosis of a recording: the world as it was at each step; `tick` gives other worlds for some, also without a machine."""
    ages = range(minutes * 60, -1, -step_s)
    before: dict[str, list[Resource[Any]]] = {}
    with SqliteState(path / "mesh.db") as state, state.batch():
        for age in ages:
            for machine in world.machines:
                now = (tick or {}).get(age, world)
                if machine.name not in {each.name for each in now.machines}:
                    continue
                held, at = state.of_node(machine.address), Timestamp((NOW - age) * 10**9)
                resources = _at(now, now.of(machine.name), age)
                for gone in {each.reference for each in before.get(machine.name, ())} - {each.reference for each in resources}:
                    held.drop(gone, at=at)
                for resource in resources:
                    held.put(resource, at=at)
                before[machine.name] = resources
    with open_source(f"sqlite:{path / 'mesh.db'}") as cluster:
        return cluster.doctor()


def _at(world: World, machine: Machine, age: int) -> list[Resource[Any]]:
    """What a machine held so long ago: its clock then showed less."""
    then = attrs.evolve(machine, skew=machine.skew - age)
    text = "\n".join(documents(world, then))
    ((_, resources),) = by_node(parse(text.encode(), source=machine.name)).items()
    return [resource for resource in resources if resource.type.partition(".")[0] in RECORDED]


def told(diagnosis: Diagnosis) -> list[str]:
    return [finding.rule for finding in diagnosis.findings if finding.severity is not Severity.NOTE]


def _world(seed: int, *more: Machine) -> World:
    return World(machines=[*cloud(random.Random(seed), 4), *more], seed=seed)  # no secret


@pytest.mark.parametrize("seed", [0, 1])
def test_a_link_that_flaps(tmp_path: Path, seed: int) -> None:
    world = _world(seed)
    broken = attrs.evolve(world, blocked=dict(world.blocked))
    broken.block(["cp-2"], ["w-1"], since=300)
    period = 240 + 120 * seed
    tick = {age: broken for age in range(0, 2400, 30) if age % (2 * period) >= period}
    diagnosis = recorded(tmp_path, world, minutes=40, tick=tick)
    assert told(diagnosis) == ["flapping-link"]
    assert "cp-2 ↔ w-1 goes up and down" in diagnosis.findings[0].title
    assert f"about every {2 * period // 60} m" in diagnosis.findings[0].title


def _fallen(world: World, *ages: int) -> dict[int, World]:
    """cp-2 ↔ w-1 is down for four minutes, each time so many seconds ago."""
    broken = attrs.evolve(world, blocked=dict(world.blocked))
    broken.block(["cp-2"], ["w-1"], since=300)
    return {age - later: broken for age in ages for later in range(0, 240, 30)}


def test_what_comes_at_odd_times_has_no_rhythm(tmp_path: Path) -> None:
    world = _world(2)
    diagnosis = recorded(tmp_path, world, minutes=120, tick=_fallen(world, 6600, 6000, 1200))
    assert told(diagnosis) == ["flapping-link"]
    assert "3 times since" in diagnosis.findings[0].title
    assert "10 m to 1 h 20 m apart; up now" in diagnosis.findings[0].title
    assert "rhythm" not in diagnosis.findings[0].advice


def test_a_link_that_no_longer_flaps_is_a_note(tmp_path: Path) -> None:
    """It stayed up for several times as long, which is what the advice waits for."""
    world = _world(2)
    diagnosis = recorded(tmp_path, world, minutes=120, tick=_fallen(world, 6600, 6000, 5400))
    assert told(diagnosis) == []
    [note] = [finding for finding in diagnosis.findings if finding.rule == "flapping-link"]
    assert "cp-2 ↔ w-1 went up and down: 3 times since" in note.title
    assert note.title.endswith("about every 10 m; not again for 1 h 30 m")


def test_a_nat_that_forgets(tmp_path: Path) -> None:
    guest = home(random.Random(1), 1, symmetric=True)  # no secret
    world = _world(1, guest)
    tick = {}
    for number, age in enumerate(range(0, 1800, 30)):
        other = attrs.evolve(guest, port_seed=str(number // 4))
        tick[age] = attrs.evolve(world, machines=[*world.machines[:-1], other])
    diagnosis = recorded(tmp_path, world, minutes=30, tick=tick)
    assert told(diagnosis) == ["nat-timeout"]
    assert "home-1" in diagnosis.findings[0].title


def test_what_changed_just_before(tmp_path: Path) -> None:
    world = _world(2)
    world.block(["cp-1"], ["w-1"], since=900)
    before = attrs.evolve(world, blocked={})
    moved = attrs.evolve(before, machines=[*world.machines[:-1], attrs.evolve(world.machines[-1], mtu=1400)])
    tick = {age: moved if age > 660 else before for age in range(600, 1801, 30)}
    diagnosis = recorded(tmp_path, world, minutes=30, tick=tick)
    assert told(diagnosis)[0] == "path-blocked"
    text = "\n".join(diagnosis.findings[0].evidence)
    assert "recorded: went down at" in text
    assert "KubeSpanConfigs" in text
    assert "mtu 1400 → 1420" in text


def test_a_healthy_recording_with_a_gap(tmp_path: Path) -> None:
    assert told(recorded(tmp_path, _world(3), minutes=60, step_s=1200)) == []


def _gone(world: World, name: str, *, seconds: int, silent: int = 0) -> dict[int, World]:
    """The others drop a machine so many seconds before the end; before that they have no word of it for a while."""
    others = [machine for machine in world.machines if machine.name != name]
    tick = {age: attrs.evolve(world, machines=others, blocked={}) for age in range(seconds, -1, -30)}
    for age in range(seconds + 30, seconds + silent, 30):
        quiet = attrs.evolve(world, blocked={})
        quiet.block([name], [machine.name for machine in others], since=seconds + silent - age)
        tick[age] = quiet
    return tick


def test_a_node_that_was_reset_is_a_note(tmp_path: Path) -> None:
    """It takes its entry out of discovery itself, so the others drop it while its links are up."""
    world = _world(3)
    diagnosis = recorded(tmp_path, world, minutes=100, tick=_gone(world, "w-1", seconds=3000))
    assert told(diagnosis) == []
    [note] = [finding for finding in diagnosis.findings if finding.rule == "node-left"]
    assert "others dropped it while its links were up" in note.evidence
    assert diagnosis.is_clean


def test_a_node_that_died_is_a_warning(tmp_path: Path) -> None:
    """Its entry expires, long after its links went down."""
    world = _world(3)
    diagnosis = recorded(tmp_path, world, minutes=100, tick=_gone(world, "w-1", seconds=1800, silent=1800))
    assert told(diagnosis) == ["node-left"]


@pytest.mark.parametrize(("seconds", "is_note"), [(600, True), (1500, False), (7200, False)])
def test_an_entry_that_is_gone_before_it_can_expire_was_taken_back(seconds: int, *, is_note: bool) -> None:
    """Without a recording: the node's own report is so old."""
    world = _world(3)
    others = [machine for machine in world.machines if machine.name != "w-1"]
    last = attrs.evolve(world, machines=[attrs.evolve(machine, skew=-seconds) for machine in world.machines])
    views = attrs.evolve(world, machines=others).snapshot().views + tuple(
        view for view in last.snapshot().views if view.node == world.of("w-1").address
    )
    [finding] = examine(Snapshot(views=views)).findings
    assert (finding.rule, finding.severity is Severity.NOTE) == ("node-left", is_note)
