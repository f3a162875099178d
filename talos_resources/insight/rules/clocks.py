"""Clocks that do not agree."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, clock, duration
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity


@rule("clock-skew", "the clock of a node is wrong", severity=Severity.ERROR)
def clock_skew(case: Case, this: Rule) -> Iterator[Finding]:
    """Both ends of a link date the same handshake differently."""
    for index, seconds in case.skewed.items():
        side = "ahead of" if seconds > 0 else "behind"
        yield this.found(
            f"the clock of {case.name(index)} is {duration(seconds)} {side} the others'",
            evidence=(
                f"its newest status is from {clock(case.views[index].as_of)}, those of most others from {clock(case.reference)}",
                "it dates its handshakes as far off as its peers date the same ones",
            ),
            cause="TLS certificates seem not yet or no longer valid to it; after a jump back WireGuard takes its handshakes for replays.",
            advice=f"check its time servers: `talosctl -n {case.views[index].node} get timeserverstatus` and `time`; NTP needs UDP 123",
        )
