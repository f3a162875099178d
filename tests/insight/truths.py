"""All worlds with a known truth."""

from __future__ import annotations

from tests.insight import truths_healthy, truths_of_nodes, truths_of_paths
from tests.insight.truth_kinds import TRUTHS

__all__ = ["TRUTHS", "truths_healthy", "truths_of_nodes", "truths_of_paths"]
