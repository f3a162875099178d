"""Machine configurations that were given beside the nodes: how one that were applied would differ from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis
from talos_resources.model.finding import Severity

if TYPE_CHECKING:
    from talos_resources.machineconfig.settings import Settings


def settings_of_files(case: Case) -> Mapping[str, Settings]:
    """File → its settings."""
    return case.once(_settings)


def joining(case: Case) -> Mapping[str, Settings]:
    """Those that are of the nodes' cluster: of another one nothing needs to fit."""
    ids = {(view.config.cluster_id if view.config is not None else "") or view.cluster_id for view in case.life.fresh.values()}
    return {name: settings for name, settings in settings_of_files(case).items() if settings.cluster_id and settings.cluster_id in ids}


def differs(title: str, line: str, *, why: str, advice: str) -> Hypothesis:
    """What is wrong with a file: a warning, as a node may not have it yet."""
    return Hypothesis(
        title=title,
        evidence=lambda: (line,),
        why=why,
        advice=advice,
        certainty=Certainty.CERTAIN,
        stands=True,
        severity=Severity.WARNING,
    )


def _settings(case: Case) -> dict[str, Settings]:
    if not case.snapshot.configs:
        return {}
    # A third of what the command loads, and most questions come without a configuration.
    from talos_resources.machineconfig.settings import Settings

    return {name: Settings.of(config) for name, config in case.snapshot.configs}
