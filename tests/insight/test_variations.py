"""The clusters of the second set, each told otherwise: other names, other moments, less data. The truth stays first, healthy stays silent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import REDACTED_REASON, NodeView, Snapshot
from talos_resources.model.finding import Severity
from talos_resources.resources import DiscoveryConfig
from talos_resources.sources.documents import by_node, parse
from talos_resources.sources.load import memory_state
from talos_resources.sources.snapshots import view_of

from .blueprint import Plan
from .blueprint_documents import documents
from .blueprint_kinds import HEALTHY, Known, rack
from .test_blueprints import CASES

NET = "net.talos.dev"
SIDE = (
    "Members.cluster.talos.dev",
    f"AddressStatuses.{NET}",
    f"HostnameStatuses.{NET}",
    "Nodenames.kubernetes.talos.dev",
    "MachineTypes.config.talos.dev",
    "TimeStatuses.v1alpha1.talos.dev",
)
"""Types that add to what others say."""
SETTINGS = ("KubeSpanConfigs.kubespan.talos.dev", "KubeSpanIdentities.kubespan.talos.dev", "DiscoveryConfigs.cluster.talos.dev")

Vary = Callable[[Plan, Known, random.Random], None]
VARIATIONS: dict[str, Vary] = {}


def variation(vary: Vary) -> Vary:
    VARIATIONS[vary.__name__] = vary
    return vary


@variation
def read_minutes_apart(plan: Plan, _known: Known, chance: random.Random) -> None:
    for box in plan.boxes:
        box.read = box.read or chance.randrange(240)


@variation
def clocks_a_second_apart(plan: Plan, _known: Known, chance: random.Random) -> None:
    for box in plan.boxes:
        box.skew += chance.choice([-1.0, 0.0, 0.4, 1.0])


@variation
def one_just_rebooted(plan: Plan, known: Known, chance: random.Random) -> None:
    others = [box for box in plan.boxes if box.name not in known.names and not box.missing]
    if others:
        chance.choice(others).rebooted = chance.choice([50, 200, 900])


@variation
def without_side_types(plan: Plan, _known: Known, _chance: random.Random) -> None:
    plan.drop["*"] = (*plan.drop.get("*", ()), *SIDE)


@variation
def one_that_was_not_read(plan: Plan, known: Known, chance: random.Random) -> None:
    others = [box for box in plan.boxes if box.name not in known.names and not box.missing]
    if len(others) > 2 and not known.paste:
        chance.choice(others).missing = True


LESS: dict[str, tuple[str, ...]] = {
    "without settings": SETTINGS,
    "without affiliates": ("Affiliates.cluster.talos.dev", "Members.cluster.talos.dev"),
    "without specs": ("KubeSpanPeerSpecs.kubespan.talos.dev",),
    "without statuses' neighbours": (
        *SIDE,
        f"NodeAddresses.{NET}",
        f"LinkStatuses.{NET}",
        f"NfTablesChains.{NET}",
        "Infos.cluster.talos.dev",
    ),
}
"""Of so little data the truth may not be known any more; nothing false is."""


def known_of(name: str) -> Known:
    made = CASES[name]()
    return made if isinstance(made, Known) else Known(made)


def view(plan: Plan, name: str, *, only: str = "") -> NodeView:
    box = plan.of(name)
    left_out = {*plan.drop.get(name, ()), *plan.drop.get("*", ())}
    docs = [doc for kind, several in documents(plan, box).items() if kind not in left_out and kind.startswith(only) for doc in several]
    read = by_node(parse("\n".join(map(json.dumps, docs)).encode(), source=name)) if docs else {None: []}
    ((_, resources),) = read.items()
    return view_of(memory_state(resources), box.ip, full=True)


def told(known: Known) -> list[tuple[str, str]]:
    """Rule, and all that is said, of each finding that is no note."""
    plan = known.plan
    names = [box.name for box in plan.boxes if not box.missing and (not known.paste or box.name in known.paste)]
    views = tuple(view(plan, name, only="KubeSpanPeerStatuses" if known.paste else "") for name in names)
    findings = examine(Snapshot(views=views)).findings
    return [(each.rule, json.dumps(each.to_plain(), ensure_ascii=False)) for each in findings if each.severity is not Severity.NOTE]


def is_distinct(plan: Plan) -> bool:
    """Whether machines can be told apart by name and address, as this test does."""
    return len({box.ip for box in plan.boxes}) == len({box.name for box in plan.boxes}) == len(plan.boxes)


@pytest.mark.parametrize("vary", VARIATIONS)
def test_the_truth_stays(vary: str) -> None:
    """A share of all clusters each time, another one for each variation."""
    share = sorted(CASES)[list(VARIATIONS).index(vary) % 2 :: 2]
    wrong = {}
    for name in share:
        known = known_of(name)
        if not is_distinct(known.plan) or "log" in name or "discovery-gone" in name:
            continue
        VARIATIONS[vary](known.plan, known, random.Random(f"{vary}/{name}"))  # no secret
        found = told(known)
        rules = [rule for rule, _ in found]
        if not known.first:
            right = not found
        else:
            called = {box.name: box.ip for box in known.plan.boxes}  # where nothing that was read tells a name
            named = bool(found) and all(part in found[0][1] or called.get(part, part) in found[0][1] for part in known.names)
            right = named and rules[0] in known.first
        if not right or len(found) > known.at_most:
            wrong[name] = rules
    assert wrong == {}


@pytest.mark.parametrize("less", LESS)
def test_healthy_stays_silent_with_less(less: str) -> None:
    wrong = {}
    for name in HEALTHY:
        known = known_of(name)
        if is_distinct(known.plan):
            known.plan.drop["*"] = (*known.plan.drop.get("*", ()), *LESS[less])
            if found := told(known):
                wrong[name] = [rule for rule, _ in found]
    assert wrong == {}


def test_two_secrets_without_settings() -> None:
    """Both parts hear of their own: discovery is reached, and cannot be read."""
    known = known_of("f31-secret-of-two-nodes")
    known.plan.drop["*"] = SETTINGS
    ((rule, text),) = told(known)
    assert rule == "secret-differs"
    assert all(name in text for name in known.names)


EMPTY = {
    "discoveryEnabled": False,
    "registryKubernetesEnabled": False,
    "registryServiceEnabled": False,
    "serviceEndpoint": "",
    "serviceEncryptionKey": [],
    "serviceClusterID": "",
}
"""As a node writes settings of which nothing is set."""


def test_settings_of_zeros_are_settings_and_no_settings_were_taken_out() -> None:
    plan = Plan(boxes=rack(2))
    deaf = plan.of("w-2")
    deaf.discovery = EMPTY
    ((rule, text),) = told(Known(plan))
    assert rule == "discovery-disabled"
    assert "w-2" in text
    [document] = documents(plan, deaf)["DiscoveryConfigs.cluster.talos.dev"]
    assert document["spec"] == EMPTY
    assert view(plan, "w-2").discovery == DiscoveryConfig()
    deaf.files = {"DiscoveryConfigs.cluster.talos.dev": [{**document, "spec": {}}]}
    hidden = view(plan, "w-2")
    assert (hidden.discovery, hidden.unreadable) == (None, {"DiscoveryConfigs.cluster.talos.dev": REDACTED_REASON})
    ((rule, text),) = told(Known(plan))
    assert rule == "discovery-unreachable"
