"""The truth comes first and nothing stands beside it, whatever the size and shape of the cluster; healthy is nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import attrs
import pytest

from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import NodeView
from talos_resources.model.finding import Severity

from .truths import TRUTHS

SEEDS = range(2)
BESIDE = {
    "a-bypass-that-leaks": 2,
    "gateway-that-translates": 2,
    "nothing-gets-in": 2,
    "announces-nothing": 2,
    "old-public-address": 2,
    "families-apart": 2,
}
"""Worlds in which more than one thing is wrong, and how much."""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", TRUTHS)
def test_truth(name: str, seed: int) -> None:
    made = TRUTHS[name](random.Random(f"{name}/{seed}"), seed)  # no secret
    diagnosis = examine(made.world.snapshot())
    told = [finding for finding in diagnosis.findings if finding.severity is not Severity.NOTE]
    titles = [f"{finding.rule}: {finding.title}" for finding in told]
    if not made.rules:
        assert titles == []
        return
    assert told, "nothing was found"
    assert told[0].rule in made.rules, titles
    text = json.dumps(told[0].to_plain(), ensure_ascii=False)
    assert [name for name in made.names if name not in text] == []
    assert len(told) <= BESIDE.get(name, 1), titles


def _redacted(view: NodeView) -> NodeView:
    """As a support bundle shows it."""
    hidden = dict.fromkeys(("KubeSpanConfigs.kubespan.talos.dev", "KubeSpanIdentities.kubespan.talos.dev"), "it is redacted")
    return attrs.evolve(view, config=None, discovery=None, public_key=None, secret="", services=None, unreadable=hidden)


def _only_statuses(view: NodeView) -> NodeView:
    return NodeView(node=view.node, statuses=view.statuses)


def _without_filters(view: NodeView) -> NodeView:
    return attrs.evolve(view, chains={}, links={}, devices=None, addresses={}, kernel=())


PARTIAL = {"redacted": _redacted, "only-statuses": _only_statuses, "no-network": _without_filters}


LOST = ("statuses", "specs", "affiliates", "chains", "links", "addresses", "members")


@pytest.mark.parametrize("field", LOST)
@pytest.mark.parametrize("name", [name for name in TRUTHS if not TRUTHS[name](random.Random(f"{name}/0"), 0).rules])
def test_a_file_that_is_missing_is_no_fault(name: str, field: str) -> None:
    whole = TRUTHS[name](random.Random(f"{name}/0"), 0).world.snapshot()  # no secret
    empty: Any = {} if isinstance(getattr(whole.views[0], field), dict) else ()
    snapshot = attrs.evolve(whole, views=(attrs.evolve(whole.views[0], **{field: empty}), *whole.views[1:]))
    assert [finding.title for finding in examine(snapshot).findings if finding.severity is not Severity.NOTE] == []


@pytest.mark.parametrize("form", PARTIAL)
@pytest.mark.parametrize("name", TRUTHS)
def test_less_data_is_never_a_false_alarm(name: str, form: str) -> None:
    made = TRUTHS[name](random.Random(f"{name}/0"), 0)  # no secret
    whole = made.world.snapshot()
    snapshot = attrs.evolve(whole, views=tuple(map(PARTIAL[form], whole.views)))
    told = [finding for finding in examine(snapshot).findings if finding.severity is not Severity.NOTE]
    if not made.rules:
        assert [finding.title for finding in told] == []
    wrong = [finding.title for finding in told[:1] if finding.rule not in made.rules and finding.certainty == "certain"]
    assert wrong == []
