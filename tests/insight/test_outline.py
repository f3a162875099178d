"""Which rows a picture of a mesh needs."""

from __future__ import annotations

import pytest

from talos_resources.insight.mesh import LinkState
from talos_resources.insight.outline import COLLAPSED_FROM, ELSEWHERE, MOST_NAMED, Outline, outline, sites_of
from talos_resources.model.net import IPAddress
from tests.insight.sketches import pair, sketch

DOWN, UNKNOWN, UP = LinkState.DOWN, LinkState.UNKNOWN, LinkState.UP


def named(drawn: Outline) -> set[int]:
    return {entry.nodes[0] for entry in drawn.entries if not entry.is_group}


def everybody(drawn: Outline) -> list[int]:
    return sorted(index for entry in drawn.entries for index in entry.nodes)


@pytest.mark.parametrize("nodes", [1, 2, 5, COLLAPSED_FROM - 1])
def test_a_small_mesh_has_a_row_for_each_node_the_worst_first(nodes: int) -> None:
    faults = pair(nodes - 1, 0) if nodes > 2 else {}
    drawn = outline(sketch(nodes, faults))
    assert named(drawn) == set(range(nodes))
    if faults:
        assert {drawn.entries[0].nodes[0], drawn.entries[1].nodes[0]} == {0, nodes - 1}


@pytest.mark.parametrize("nodes", [40, 200, 500])
def test_both_ends_of_the_one_broken_link_are_named_and_the_rest_is_a_row_for_each_site(nodes: int) -> None:
    drawn = outline(sketch(nodes, pair(7, nodes - 3), sites=4))
    assert named(drawn) == {7, nodes - 3}
    assert len(drawn.entries) == 2 + 4
    assert everybody(drawn) == list(range(nodes))
    assert [len({entry.site for entry in drawn.entries[:cut]}) for cut in (2, 4)] == [1, 2]  # sites together, the bad ones first


def test_a_node_that_nobody_reaches_is_named_alone() -> None:
    drawn = outline(sketch(60, {key: state for peer in range(60) if peer != 11 for key, state in pair(11, peer).items()}))
    assert named(drawn) == {11}
    [group] = [place for place, entry in enumerate(drawn.entries) if entry.is_group]
    tally = drawn.tallies[1 - group][group]
    assert (tally.faults, tally.total, tally.state) == (59, 59, DOWN)
    assert drawn.tallies[group][group].state is UP


def test_the_sides_of_a_cut_are_rows_also_within_one_network() -> None:
    cut = {key: state for here in range(30) for there in range(30, 60) for key, state in pair(here, there).items()}
    drawn = outline(sketch(60, cut))
    assert [len(entry.nodes) for entry in drawn.entries] == [30, 30]
    assert [[tally.faults for tally in row] for row in drawn.tallies] == [[0, 900], [900, 0]]


def test_faults_without_number_are_named_up_to_what_a_picture_holds() -> None:
    chaos = {key: state for here in range(0, 198, 2) for key, state in pair(here, here + 1, UNKNOWN).items()}
    drawn = outline(sketch(200, chaos, sites=2))
    assert len(named(drawn)) <= MOST_NAMED
    assert drawn.unnamed == 198 - len(named(drawn))
    assert everybody(drawn) == list(range(200))


def test_the_numbers_of_all_cells_are_those_of_the_mesh() -> None:
    mesh = sketch(90, pair(4, 80) | {(index, 33): UNKNOWN for index in range(60) if index != 33}, sites=3, silent=[50])
    drawn = outline(mesh)
    sums = {state: sum(tally.counts.get(state, 0) for row in drawn.tallies for tally in row) for state in mesh.counts}
    assert sums == dict(mesh.counts)


def test_networks_that_are_each_of_one_node_are_no_sites() -> None:
    mesh = sketch(8, sites=8)
    assert set(sites_of(mesh.nodes)) == {""}  # all in one /20
    assert len(set(sites_of(sketch(8, sites=2).nodes))) == 2


def test_the_largest_of_too_many_networks_stay() -> None:
    import ipaddress

    import attrs

    def at(place: int) -> tuple[IPAddress, ...]:
        return (ipaddress.ip_address(f"{11 + place}.0.0.1" if place > 20 else f"10.0.0.{place + 1}"),)

    nodes = [attrs.evolve(node, addresses=at(node.index)) for node in sketch(60).nodes]
    assert set(sites_of(nodes)) == {"10.0.0.0/16", ELSEWHERE}
