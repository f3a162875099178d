"""What a check has found, as a list that shows itself and has records."""

from __future__ import annotations

from typing import Any

from talos_resources.codec.records import records
from talos_resources.model.finding import Finding, counted, findings_text, record_columns
from talos_resources.model.tabular import Tabular


class Findings(tuple[Finding, ...], Tabular):
    """Findings; `print` shows them as the commands do."""

    __slots__ = ()

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """A plain dictionary for each: severity, rule, title, nodes, then the rest of a `Finding`."""
        return records(self, json=json)

    def record_columns(self) -> tuple[str, ...]:
        """The names that the record of any finding has."""
        return record_columns()

    def __str__(self) -> str:
        return findings_text(self).rstrip("\n")

    def __repr__(self) -> str:
        lines = "".join(f"\n {finding!r}" for finding in self)
        return f"<{counted(self)}{':' if self else ''}{lines}>"
