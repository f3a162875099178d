"""Resources and nodes by what people call them, wherever a command takes an id or a node."""

from __future__ import annotations

import json
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerSpec, Member
from talos_resources.sources.writing import held_by, write
from tests.cli.test_commands import Run, run

__all__ = ["run"]  # the fixture


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Two nodes under names that nobody uses, one of which has peers that are called alike."""
    one, other = MemoryState(), MemoryState()
    for state in (one, other):
        for name, address in (("w-1.example.com", "10.0.0.1"), ("w-2.example.com", "10.0.0.2"), ("w-3", "10.0.0.3")):
            state.create(Resource.new(Member(hostname=name, addresses=(address,)), id=name))  # type: ignore[arg-type]
    for key, label in (("a=", "twin"), ("b=", "twin"), ("twin2", "c"), ("c", "d"), ("e=", "w-2.example.com"), ("f=", "w-2")):
        one.create(Resource.new(KubeSpanPeerSpec(label=label), id=key))
    target = tmp_path / "nodes"
    write({"10.0.0.1": held_by(one, [], show_secrets=True), "10.0.0.2": held_by(other, [], show_secrets=True)}, str(target))
    return str(target)


def ids(run: Run, *arguments: str) -> tuple[int, list[str]]:
    done = run("get", *arguments, "-o", "jsonpath={.metadata.id}")
    return done.code, done.out.split()


def test_an_id_goes_before_a_name(run: Run, folder: str) -> None:
    source = ("--from", folder, "-n", "10.0.0.1")
    assert ids(run, "kubespanpeerspecs", "c", *source) == (0, ["c"])
    assert ids(run, "kubespanpeerspecs", "d", *source) == (0, ["c"])
    assert ids(run, "members", "w-1", *source) == (0, ["w-1.example.com"])
    assert ids(run, "kubespanpeerspecs", "w-2", *source) == (0, ["f="])  # the whole name before a first part


def test_candidates_are_told(run: Run, folder: str) -> None:
    done = run("get", "kubespanpeerspecs", "twin", "--from", folder, "-n", "10.0.0.1")
    assert (done.code, done.out) == (1, "")
    assert 'are called "twin": a=, b=; name one of them' in done.err


def test_talosctl_knows_no_names(run: Run, folder: str) -> None:
    done = run("get", "kubespanpeerspecs", "d", "--from", folder, "-n", "10.0.0.1", "--compat", "talosctl")
    assert (done.code, "doesn't exist" in done.err) == (1, True)


def test_a_node_is_called_as_its_cluster_calls_it(run: Run, folder: str) -> None:
    by_name = run("get", "members", "--from", folder, "-n", "w-1.example.com,w-2")
    assert (by_name.code, by_name.err) == (0, "")
    assert {line.split()[0] for line in by_name.out.splitlines()[1:]} == {"w-1.example.com", "w-2"}
    for command in ("mesh", "doctor"):
        assert run(command, "--from", folder, "-n", "w-1,w-2").code in {0, 3}
    assert run("dump", "--from", folder, "-n", "w-1", "--to", str(Path(folder).parent / "one")).code == 0
    assert len(list((Path(folder).parent / "one").iterdir())) == 1
    missing = run("get", "members", "--from", folder, "-n", "w-3")  # a member whose node is not in the source
    assert (missing.code, missing.err) == (1, f'error: {folder} has no node "w-3"; it has 10.0.0.1, 10.0.0.2\n')


def test_a_past_is_found_by_names_too(run: Run, tmp_path: Path) -> None:
    file, moment = tmp_path / "mesh.db", Timestamp(time.time_ns() - 60 * 10**9)
    with SqliteState(file) as state:
        for number in (1, 2):
            node = state.of_node(f"10.0.0.{number}")
            for name in (1, 2):
                member = Member(hostname=f"w-{name}.example.com", addresses=(ip_address(f"10.0.0.{name}"),))
                node.put(Resource.new(member, id=f"w-{name}.example.com").stamped(1, "", moment, moment), at=moment)
            peer = Resource.new(KubeSpanPeerSpec(label="w-9.example.com"), id=f"{number}=")
            node.put(peer.stamped(number, "", moment, moment), at=moment)
    asked = ("history", "kubespanpeerspec", "w-9", "--from", f"sqlite:{file}", "-o", "json")
    done = run(*asked, "-n", "w-2")
    assert (done.code, [(row["node"], row["version"]) for row in map(json.loads, done.out.splitlines())]) == (0, [("w-2", 2)])
    assert len(run(*asked).out.splitlines()) == 2
    missing = run(*asked, "-n", "w-3")
    assert (missing.code, 'has no node "w-3"; it has 10.0.0.1, 10.0.0.2' in missing.err) == (1, True)
