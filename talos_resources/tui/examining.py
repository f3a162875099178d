"""The doctor's tab: what is wrong, the worst first, with all of a finding where the cursor is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from talos_resources.insight.doctor import Diagnosis, examine
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.finding import LABELS, Finding, Severity, ordered
from talos_resources.model.printable import printable
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.evidence import evidence
from talos_resources.tui.asking import Asking
from talos_resources.tui.rows import Rows

EVERY_S: Final = 30.0
"""KubeSpan's own pace: so often what is shown is examined again."""
AGAIN_S: Final = 5.0
"""So soon it is tried again when nobody answered."""
_HEADINGS: Final = ("", "FINDING", "NODES")
_MARKS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_NAMED: Final = 2


class Examining(Vertical):
    """The findings as a table; above it what is wrong in one sentence, and how far one is that examines."""

    DEFAULT_CSS = """
    Examining #doctor-head { height: auto; padding: 0 1; margin-bottom: 1; }
    """

    def __init__(self) -> None:
        """Nothing is examined yet."""
        super().__init__()
        self.findings: Sequence[Finding] = ()
        self._examined = 0.0
        self._next = 0.0
        self._headline = ""
        self._of: Cluster | None = None
        self._read = 0

    def compose(self) -> ComposeResult:
        """The sentence, the table."""
        yield Static(id="doctor-head")
        yield Rows(id="finding-table")

    @property
    def is_done(self) -> bool:
        """Whether anything has been examined."""
        return self._examined > 0

    def examine(self, cluster: Cluster, nodes: Sequence[str], *, again: bool = False) -> None:
        """Examines what the nodes hold, unless that was done just now.

        Args:
            cluster: whose nodes; another one, or another moment of it, is examined at once.
            nodes: which.
            again: also if it was done just now.
        """
        asking = cast("Asking", self.app)
        if asking.is_asking("", "doctor"):
            self._tell(f"examining {self._read} of {len(nodes)} nodes …" if self._read < len(nodes) else "looking for causes …")
            return
        if not again and cluster is self._of and time.monotonic() < self._next:
            return
        if cluster is not self._of:
            self._headline = ""
        self._of, self._read = cluster, 0
        self._tell(f"examining {len(nodes)} nodes …")

        def counted(answers: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
            for answer in answers:
                self._read += 1
                yield answer

        def examined() -> Diagnosis | TalosResourcesError:
            try:
                return examine(evidence(cluster, nodes, track=counted))
            except TalosResourcesError as error:  # told in its place: a notice for each try would cover the screen
                return error

        def show(answer: Diagnosis | TalosResourcesError) -> None:
            self._next = time.monotonic() + (AGAIN_S if isinstance(answer, TalosResourcesError) else EVERY_S)
            if cluster is not self._of:
                return
            if isinstance(answer, TalosResourcesError):
                before = f"\nbefore: {self._headline}" if self._headline else ""
                self._tell(f"not examined: {answer.message}{before}")
            else:
                self._examined = time.monotonic()
                self._show(answer)

        asking.ask("", "doctor", examined, show, wanted=True)

    def _show(self, diagnosis: Diagnosis) -> None:
        self.findings = ordered(diagnosis.findings)
        others = f", and {len(diagnosis.blind) - 1} more" if len(diagnosis.blind) > 1 else ""
        blind = f"\nnot known: {diagnosis.blind[0]}{others}" if diagnosis.blind else ""
        self._headline = diagnosis.headline or ("nothing wrong was found" if diagnosis.blind else "nothing is wrong")
        self._tell(self._headline + blind)
        table = self.query_one("#finding-table", Rows)
        table.say("no findings")
        table.show(_HEADINGS, range(len(self.findings)), self._cells)

    def _tell(self, text: str) -> None:
        self.query_one("#doctor-head", Static).update(Text("\n".join(map(printable, text.split("\n")))))

    def _cells(self, index: int) -> Sequence[Text]:
        finding = self.findings[index]
        more = f" +{len(finding.nodes) - _NAMED}" if len(finding.nodes) > _NAMED else ""
        return [
            Text(LABELS[finding.severity], style=_MARKS[finding.severity]),
            Text(printable(finding.title)),
            Text(printable(", ".join(finding.nodes[:_NAMED])) + more),
        ]
