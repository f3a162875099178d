"""The table of rules. A new rule is a function under `@rule`; its file is named in `FILES`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from talos_resources.insight.case import Case
from talos_resources.model.finding import Finding, Severity

Check = Callable[[Case], Iterator[Finding]]

FILES: Final = ("gone", "clocks", "split", "paths", "discovery", "identity", "overlaps", "peers", "mtu", "settings", "events")
"""The modules that hold rules, in the order in which causes are looked for."""


@attrs.frozen(kw_only=True)
class Rule:
    """One thing that can be wrong.

    Attributes:
        name: short and stable.
        about: what is wrong, in one line.
        severity: how bad it is at most.
        guide: the section of the Talos guide, empty if it has none.
        check: gives a finding for each cause that it sees.
    """

    name: str
    about: str
    severity: Severity
    guide: str
    check: Check = attrs.field(repr=False)

    def found(self, title: str, *, evidence: tuple[str, ...] = (), cause: str, advice: str, severity: Severity | None = None) -> Finding:
        """A finding of this rule."""
        return Finding(
            severity=severity or self.severity,
            rule=self.name,
            title=title,
            evidence=evidence,
            cause=cause,
            advice=advice,
            guide=self.guide,
        )


_RULES: Final[dict[str, Rule]] = {}

RuleCheck = Callable[[Case, Rule], Iterator[Finding]]


def rule(name: str, about: str, *, severity: Severity, guide: str = "") -> Callable[[RuleCheck], RuleCheck]:
    """Makes a function a rule."""

    def register(check: RuleCheck) -> RuleCheck:
        made = Rule(name=name, about=about, severity=severity, guide=guide, check=lambda case: check(case, made))
        _RULES[name] = made
        return check

    return register


def rules() -> tuple[Rule, ...]:
    """All rules, in the order in which causes are looked for."""
    for file in FILES:
        importlib.import_module(f"talos_resources.insight.rules.{file}")
    return tuple(_RULES.values())
