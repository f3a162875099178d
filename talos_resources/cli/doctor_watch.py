"""`doctor -w`: what begins and what ends."""

from __future__ import annotations

import re
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli.screen import Screen
from talos_resources.model.errors import TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.insight.doctor import Diagnosis
    from talos_resources.model.finding import Finding

_CHANGING: Final = re.compile(r"(?<![\w.:-])(?:(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?![\w.:])|\d+(?:\.\d)?(?= ))")
"""Moments and numbers that stand alone; those of names and addresses stay."""


def follow(args: Namespace, look: Callable[[], Diagnosis]) -> int:
    """Tells everything once, and then each change, until Ctrl-C; nodes that do not answer for a while do not end it."""
    pause, screen = threading.Event(), Screen(args.color)
    width = screen.width
    known: dict[tuple[str, tuple[str, ...] | str], Finding] | None = None
    away = False
    while True:
        try:
            diagnosis = look()
        except TalosResourcesError as error:
            if known is None:
                raise
            if not away:
                _tell("away", {"error": error.message}, f"nobody answers; looking again: {error.message}", args.output, width)
            away = True
            pause.wait(args.every)
            continue
        if away:
            _tell("back", {}, "they answer again; what changed meanwhile follows", args.output, width)
        away = False
        found = {key_of(finding): finding for finding in diagnosis.findings}
        if known is None and args.output == "text":
            screen.print_coloured(diagnosis.text(width=width, colour=screen.colour))
        else:
            for line in _changes(known or {}, found, as_json=args.output == "json", width=width):
                sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        known = found
        pause.wait(args.every)


def _tell(change: str, more: dict[str, str], text: str, output: str, width: int | None) -> None:
    """Once, when nobody answers any more, and when somebody does again: between, what was found is neither gone nor still there."""
    moment = datetime.now(UTC).astimezone()
    if output == "json":
        print(_json(moment, change, more), flush=True)
        return
    from talos_resources.model.wrapping import wrapped

    for line in wrapped(f"{moment:%H:%M:%S}  {change:6}  ", text, width):
        print(line, flush=True)


def _json(moment: datetime, change: str, more: Mapping[str, Any]) -> str:
    """One line: when, what changed, and what more there is to say."""
    import json

    return json.dumps({"time": moment.isoformat(timespec="seconds"), "change": change, **more}, ensure_ascii=False)


def key_of(finding: Finding) -> tuple[str, tuple[str, ...] | str]:
    """What makes a finding the same one: its rule and whom it concerns; ages, moments and counts in titles change."""
    return finding.rule, finding.nodes or _CHANGING.sub("…", finding.title)


def _changes(
    before: dict[tuple[str, tuple[str, ...] | str], Finding],
    now: dict[tuple[str, tuple[str, ...] | str], Finding],
    *,
    as_json: bool,
    width: int | None,
) -> Iterator[str]:
    moment = datetime.now(UTC).astimezone()
    changes = [("begins", now[key]) for key in now if key not in before] + [("ends", before[key]) for key in before if key not in now]
    for what, finding in changes:
        if as_json:
            yield _json(moment, what, {"finding": finding.to_plain()})
            continue
        from talos_resources.model.wrapping import wrapped

        first = f". First: {finding.advice}" if what == "begins" and finding.advice else ""
        lead = f"{moment:%H:%M:%S}  {what:6}  {finding.severity.value:7}  "
        yield from wrapped(lead, f"{finding.title}{first}", width)
