"""What is not in the data is not taken for what is not there, and what else it may be is said."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest

from talos_resources.cli.main import main
from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.net import IPPrefix
from talos_resources.sources import open_source
from talos_resources.sources.logs import known_lines

from .blueprint import Plan
from .blueprint_files import paste, write
from .blueprint_kinds import clouds, names, rack
from .test_variations import SETTINGS, view

SPECS = "KubeSpanPeerSpecs.kubespan.talos.dev"


def told(plan: Plan, *, only: str = "") -> list[Finding]:
    found = examine(Snapshot(views=tuple(view(plan, box.name, only=only) for box in plan.boxes if not box.missing))).findings
    return [finding for finding in found if finding.severity is not Severity.NOTE]


def pasted(plan: Plan, folder: Path, keep: int) -> list[str]:
    """The rules that are told of a paste of all statuses without the last documents."""
    paste(plan, tuple(names(plan.boxes)), folder)
    file = folder / "paste.yaml"
    documents = file.read_text().split("---\n")
    file.write_text("---\n".join(documents[: len(documents) - keep]))
    with open_source(str(file)) as cluster:
        return [finding.rule for finding in cluster.doctor().findings if finding.severity is not Severity.NOTE]


@pytest.mark.parametrize("left_out", [1, 2, 3])
def test_a_list_that_ends_between_two_documents_is_no_proof(left_out: int, tmp_path: Path) -> None:
    assert pasted(Plan(boxes=clouds(2)), tmp_path, left_out) == []


def test_of_a_choice_what_was_not_chosen_is_not_missing(tmp_path: Path) -> None:
    """Only what is down was pasted."""
    plan = Plan(boxes=clouds(2)).split(["w-2"], ["cp-1", "cp-2", "cp-3", "w-1"], 700)
    paste(plan, tuple(names(plan.boxes)), tmp_path)
    file = tmp_path / "paste.yaml"
    file.write_text("---\n".join(each for each in file.read_text().split("---\n") if "state: down" in each))
    with open_source(str(file)) as cluster:
        rules = [finding.rule for finding in cluster.doctor().findings]
    assert "unknown-peer" not in rules
    assert rules


def test_two_lists_that_lack_a_peer_prove_it() -> None:
    plan = Plan(boxes=rack(3), unheard={("cp-1", "w-3")}).split(["cp-1"], ["w-3"], 2500)
    assert [finding.rule for finding in told(plan, only="KubeSpanPeerS")] == ["unknown-peer"]


def test_one_that_lacks_many_is_one_finding() -> None:
    plan = Plan(boxes=rack(4), unheard={("w-1", each) for each in ("cp-1", "cp-2", "w-3", "w-4")})
    plan.split(["w-1"], ["cp-1", "cp-2", "w-3", "w-4"], 2500)
    [finding] = told(plan)
    assert finding.rule == "unknown-peer"
    assert finding.title == "w-1 does not know cp-1, cp-2, w-3, w-4 as peers"


@pytest.mark.parametrize("left_out", [(), (SPECS,)])
def test_a_tunnel_that_is_missing_shows_without_specs(left_out: tuple[str, ...]) -> None:
    plan = Plan(boxes=clouds(3))
    plan.of("w-3").config = {"device": False}
    plan.split(["w-3"], names(plan.boxes), 5000)
    plan.drop["*"] = left_out
    [finding] = told(plan)
    assert finding.rule == "spec-without-status"
    assert finding.title == "w-3 has no WireGuard device: its 5 peers have no status"


def test_who_it_is_follows_from_its_key_where_its_identity_was_not_read() -> None:
    plan = Plan(boxes=rack(2))
    plan.unheard |= {("w-2", other) for other in names(plan.boxes)}
    plan.split(["w-2"], names(plan.boxes), 400)
    plan.drop["*"] = ("Identities.cluster.talos.dev",)
    [finding] = told(plan)
    assert (finding.rule, finding.title) == ("discovery-unreachable", "w-2 cannot reach the discovery service: it knows nobody")


def test_what_else_it_may_be_where_settings_are_not_known() -> None:
    plan = Plan(boxes=rack(2))
    plan.of("w-2").secret = "other"
    plan.drop["*"] = SETTINGS
    [finding] = told(plan)
    assert finding.rule == "discovery-unreachable"
    assert [rival.partition(":")[0] for rival in finding.rivals] == [
        "secret-differs",
        "discovery-service-differs",
        "discovery-disabled",
        "kubernetes-registry",
    ]
    assert all(rival.partition(": ")[2] for rival in finding.rivals)


def test_what_was_read_is_no_rival_and_a_log_decides() -> None:
    plan = Plan(boxes=rack(2))
    plan.unheard |= {pair for other in names(plan.boxes) for pair in (("w-2", other), (other, "w-2"))}
    [finding] = told(plan)
    assert (finding.rule, finding.certainty, finding.rivals) == ("discovery-unreachable", "likely", ())
    plan.drop["*"] = SETTINGS
    views = [view(plan, box.name) for box in plan.boxes]
    line = 'ERROR hello failed {"controller": "cluster.DiscoveryServiceController", "error": "dial tcp: i/o timeout"}'
    [finding] = examine(Snapshot(views=(*views[:-1], attrs.evolve(views[-1], log=known_lines(line))))).findings
    assert (finding.rule, finding.certainty, finding.rivals) == ("discovery-unreachable", "certain", ())


def test_a_setting_that_differs_is_no_rival_where_nobody_hears_of_anybody() -> None:
    plan = Plan(boxes=rack(2))
    plan.unheard |= {(one, other) for one in names(plan.boxes) for other in names(plan.boxes) if one != other}
    plan.drop["*"] = SETTINGS
    [finding] = told(plan)
    assert [rival.partition(":")[0] for rival in finding.rivals] == ["discovery-disabled", "kubernetes-registry"]


def test_what_a_long_line_of_a_log_is_about_may_stand_at_its_end() -> None:
    line = f'WARN kubernetes registry node watch error {{"id": "{"x" * 200}", "error": "nodes is forbidden"}}'
    plan = Plan(boxes=rack(2))
    plan.unheard |= {(one, other) for one in names(plan.boxes) for other in names(plan.boxes) if one != other}
    plan.drop["*"] = SETTINGS
    views = tuple(attrs.evolve(view(plan, box.name), log=known_lines(line)) for box in plan.boxes)
    [finding] = examine(Snapshot(views=views)).findings
    assert finding.rule == "kubernetes-registry"
    assert all(len(each) < 250 for each in finding.evidence)
    assert any(each.endswith("…") for each in finding.evidence)


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1", "fd00::1"])
def test_what_somebody_announces_may_be_anything(address: str) -> None:
    """Who knows the cluster's id can announce himself with an address that no mesh has, and networks that are none."""
    plan = Plan(boxes=rack(2))
    nonsense = (IPPrefix(ip_address("10.0.0.1"), None), None, IPPrefix.parse("0.0.0.0/0"))
    views = []
    for box in plan.boxes:
        seen = view(plan, box.name)
        known = []
        for one in seen.affiliates:
            assert one.spec.kubespan is not None
            announced = attrs.evolve(
                one.spec.kubespan,
                address=ip_address(address),
                exclude_advertised_networks=nonsense,
                additional_addresses=nonsense,
            )
            known.append(one.with_spec(kubespan=announced))
        views.append(attrs.evolve(seen, affiliates=tuple(known)))
    assert len(examine(Snapshot(views=tuple(views))).mesh.nodes) == len(plan.boxes)


@pytest.mark.parametrize("seconds", [20, 30, 200])
def test_one_direction_that_arrives_leaves_the_other(seconds: float) -> None:
    """Both ends were just made: the one that hears the other answers it, and no answer comes."""
    plan = _HalfOpen(boxes=rack(2))
    plan.seconds = seconds
    [finding] = told(plan)
    assert finding.rule == "path-blocked"
    assert "What cp-1 sends does not reach w-2, while the other direction works" in finding.cause


class _HalfOpen(Plan):
    seconds: float = 0

    def status(self, one: object, other: object) -> dict[str, object]:
        made = super().status(one, other)  # type: ignore[arg-type]  # as in Plan
        ends = (one.name, other.name)  # type: ignore[attr-defined]
        if set(ends) != {"cp-1", "w-2"}:
            return made
        tries = int(self.seconds / 5)
        got = 148 * tries if ends[0] == "cp-1" else 0
        sent = 148 + 92 * tries if ends[0] == "cp-1" else 148 * (tries + 3)
        return made | {"state": "down", "receiveBytes": got, "transmitBytes": sent, "lastHandshakeTime": "0001-01-01T00:00:00Z"}


@pytest.mark.parametrize("version", ["v1.12.4", "v1.13.0"])
def test_a_node_of_another_mesh_has_sets_of_its_own(version: str) -> None:
    boxes = rack(2)
    for box in boxes:
        box.version = version
    boxes[0].cluster = boxes[0].secret = "other"
    foreign = view(Plan(boxes=boxes), "cp-1")
    [own] = foreign.affiliates
    assert own.spec.kubespan is not None
    address = type(own.spec.kubespan.address)(b"\xfd" + bytes(15))  # type: ignore[misc]  # it is an IPv6Address
    moved = own.with_spec(kubespan=attrs.evolve(own.spec.kubespan, address=address))
    views = [attrs.evolve(foreign, affiliates=(moved,)), *(view(Plan(boxes=boxes), box.name) for box in boxes[1:])]
    assert [finding.rule for finding in examine(Snapshot(views=tuple(views))).findings] == ["different-clusters"]


def test_another_cluster_shows_in_the_mesh_addresses() -> None:
    """Ids and settings were not read; the prefix is made of the id."""
    plan = Plan(boxes=rack(2))
    plan.of("w-2").cluster = plan.of("w-2").secret = "other"
    plan.drop["*"] = (*SETTINGS, "Infos.cluster.talos.dev")
    views = [view(plan, box.name) for box in plan.boxes]
    [own] = views[-1].affiliates
    assert own.spec.kubespan is not None
    moved = own.with_spec(kubespan=attrs.evolve(own.spec.kubespan, address=ip_address("fd11::2:5054:ff:fe01:203")))
    [finding] = examine(Snapshot(views=(*views[:-1], attrs.evolve(views[-1], affiliates=(moved,))))).findings
    assert (finding.rule, finding.certainty) == ("different-clusters", "likely")
    assert "w-2 has another cluster id" in finding.title


def test_two_of_a_name_of_whom_no_link_is_known_may_be_one() -> None:
    plan = Plan(boxes=rack(3))
    plan.of("w-3").name = "w-2"
    plan.boxes[-1].key, plan.boxes[-2].key = "first", "second"
    views = [view(plan, "cp-1", only="Affiliates")]
    [finding] = examine(Snapshot(views=tuple(views))).findings
    assert (finding.rule, finding.certainty) == ("duplicate-label", "likely")
    assert "former self" in finding.decide


def test_a_peer_that_a_pasted_list_lacks_may_be_unknown_there(tmp_path: Path) -> None:
    plan = Plan(boxes=rack(3), unheard={("cp-1", "w-3")}).split(["cp-1"], ["w-3"], 2500)
    paste(plan, tuple(names(plan.boxes)), tmp_path)
    with open_source(str(tmp_path / "paste.yaml")) as cluster:
        [finding] = cluster.doctor().findings
    assert finding.rule != "unknown-peer"
    assert any(rival.startswith("unknown-peer: ") for rival in finding.rivals)


@pytest.mark.parametrize("target", ["x.wire.json", "x.yaml", "x.zip", "x", "sqlite:x.db"])
def test_a_setting_that_was_made_unreadable_costs_itself_alone(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word stands in the place of a key: the rest is read, of every form that it was written in."""
    monkeypatch.chdir(tmp_path)
    plan = Plan(boxes=rack(2))
    plan.of("w-2").discovery = {"serviceEncryptionKey": "hidden"}
    plan.split(["cp-1"], ["w-1"], 1500)
    write(plan, tmp_path)
    assert main(["dump", "--from", "data.zip", "--to", target, "--show-secrets"]) == 0
    with open_source(target) as cluster:
        diagnosis = cluster.doctor()
    assert [finding.rule for finding in diagnosis.findings] == ["path-blocked"]
    assert any("DiscoveryConfigs" in line and "w-2" in line for line in diagnosis.blind)


def test_a_cluster_of_two_has_no_others() -> None:
    plan = Plan(boxes=rack(1, planes=1)).split(["cp-1"], ["w-1"], 900)
    [finding] = told(plan)
    assert finding.rule == "path-blocked"
    assert "others" not in finding.title
    off = Plan(boxes=rack(1, planes=1))
    off.of("w-1").config = {"enabled": False}
    assert [finding.rule for finding in told(off)] == ["kubespan-disabled"]
