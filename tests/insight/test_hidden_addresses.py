"""Addresses that somebody has replaced by hand: what else a node says still counts, and what is hidden is not missing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.insight.doctor import Diagnosis
from talos_resources.model.finding import Severity
from talos_resources.sources import open_source
from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_files import write
from tests.insight.blueprint_kinds import NEVER, clouds, flat, names, rack

REPLACED: dict[str, Callable[[str], str]] = {
    "half": lambda text: ".".join(text.split(".")[:2]) + ".x.x",
    "most": lambda text: "x.x.x." + text.split(".")[-1],
    "all": lambda _: "<REDACTED>",
    "word": lambda _: "REDACTED",
}
AFFILIATES = "Affiliates.cluster.talos.dev"


def diagnosis(plan: Plan, folder: Path, how: Callable[[str], str]) -> Diagnosis:
    """What is found where each IPv4 address is replaced, but for the names of the nodes' folders."""
    write(plan, folder)
    with zipfile.ZipFile(folder / "data.zip") as made, zipfile.ZipFile(folder / "hidden.zip", "w") as out:
        for name in made.namelist():
            text = made.read(name).decode()
            out.writestr(name, re.sub(r"(?<![\d.v])\d+\.\d+\.\d+\.\d+(?![\d.])", lambda found: how(found[0]), text))
    with open_source(str(folder / "hidden.zip")) as cluster:
        return cluster.doctor()


def rules(found: Diagnosis) -> list[str]:
    return [finding.rule for finding in found.findings if finding.severity is not Severity.NOTE]


@pytest.mark.parametrize("how", REPLACED)
def test_nothing_is_missing_in_a_healthy_mesh(how: str, tmp_path: Path) -> None:
    found = diagnosis(Plan(boxes=clouds(3)), tmp_path, REPLACED[how])
    assert rules(found) == []
    assert any("addresses are hidden in" in line for line in found.blind)
    assert not any("could not be read" in line and "KubeSpan" in line for line in found.blind)


@pytest.mark.parametrize("how", REPLACED)
def test_a_dead_link_is_told(how: str, tmp_path: Path) -> None:
    found = diagnosis(Plan(boxes=clouds(2)).split(["w-1"], ["w-2"], 1500), tmp_path, REPLACED[how])
    assert rules(found) == ["path-blocked"]
    assert "nowhere" not in str(found.findings[0].evidence)


@pytest.mark.parametrize("mask", ["***", "***.***.***.***", "[HIDDEN]", "*** hidden ***"])
def test_a_mask_that_is_no_yaml_is_a_text(mask: str, tmp_path: Path) -> None:
    found = diagnosis(Plan(boxes=clouds(2)).split(["w-1"], ["w-2"], 1500), tmp_path, lambda _: mask)
    assert rules(found) == ["path-blocked"]


@pytest.mark.parametrize("how", REPLACED)
def test_ports_that_changed_tell_nat(how: str, tmp_path: Path) -> None:
    homes = [flat("w-a", 1, ports="each"), flat("w-b", 2, ports="other")]
    found = diagnosis(Plan(boxes=[*clouds(1), *homes]), tmp_path, REPLACED[how])
    assert rules(found) == ["both-behind-nat"]
    assert all(name in found.findings[0].title for name in ("w-a", "w-b"))


def test_one_nat_is_no_reason(tmp_path: Path) -> None:
    boxes: list[Box] = [*clouds(2), flat("w-home", 1, ports="other")]
    plan = Plan(boxes=boxes).split(["w-2"], ["w-home"], NEVER)
    assert "both-behind-nat" not in rules(diagnosis(plan, tmp_path, REPLACED["half"]))


def test_endpoints_that_are_not_there_are_not_hidden(tmp_path: Path) -> None:
    """The filters leave nothing to one; its own address, which is hidden, is no endpoint."""
    boxes = [*clouds(1), flat("w-lte", 1)]
    boxes[3].tells = ()
    assert rules(diagnosis(Plan(boxes=boxes), tmp_path, REPLACED["half"])) == ["no-endpoints"]


def test_a_list_with_an_entry_that_cannot_be_read_is_not_empty(tmp_path: Path) -> None:
    """Who knows nobody but by entries of which nothing can be read has not lost discovery."""
    plan = Plan(boxes=rack(2))
    plan.drop["*"] = ("KubeSpanPeerSpecs.kubespan.talos.dev", "KubeSpanPeerStatuses.kubespan.talos.dev")
    write(plan, tmp_path)
    with zipfile.ZipFile(tmp_path / "data.zip") as made, zipfile.ZipFile(tmp_path / "broken.zip", "w") as out:
        for name in made.namelist():
            text = made.read(name).decode()
            out.writestr(name, text.replace("machineType: ", "machineType: a ") if AFFILIATES.lower() in name else text)
    with open_source(str(tmp_path / "broken.zip")) as cluster:
        assert rules(cluster.doctor()) == []


def test_a_lost_node_is_told(tmp_path: Path) -> None:
    plan = Plan(boxes=clouds(2)).split(["w-2"], names(clouds(2))[:-1], 1500)
    plan.of("w-2").missing = True
    assert rules(diagnosis(plan, tmp_path, REPLACED["most"])) == ["node-silent"]


def test_a_mask_costs_its_own_value_of_a_paste(tmp_path: Path) -> None:
    plan = Plan(boxes=clouds(2)).split(["w-1"], ["w-2"], 1500)
    write(plan, tmp_path)
    with zipfile.ZipFile(tmp_path / "data.zip") as made:
        documents = [made.read(name).decode() for name in made.namelist() if name.startswith(plan.of("w-1").ip)]
    text = "---\n".join(documents)
    secret = re.compile(r"(?<=sharedSecret: ).+")
    assert secret.search(text)
    file = tmp_path / "paste.yaml"
    file.write_text(secret.sub("***", text))
    with open_source(str(file)) as cluster:
        found = cluster.doctor()
    assert any("w-2" in finding.title for finding in found.findings)
    assert not any("KubeSpanConfigs" in line for line in found.blind)
