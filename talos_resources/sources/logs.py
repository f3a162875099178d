"""Known lines of the controllers' log and of the summary of a support bundle."""

from __future__ import annotations

import re
from typing import Final

from talos_resources.insight.facts.log_lines import is_known

_FAULT: Final = re.compile(
    r"\b(error|failed|warn|refused|exceeded|denied|cannot|invalid|timeout|overlap|forbidden|expired)\b", re.IGNORECASE
)
_VERSION: Final = re.compile(r"^\s*Tag:\s*(v\d[\w.+-]*)\s*$", re.MULTILINE)
KEPT: Final = 20
LONGEST: Final = 2000
"""So much of a line is looked at: what it is about may stand at its end."""
_SECRET: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
"""A key as base64; public ones look the same."""


def known_lines(log: str) -> tuple[str, ...]:
    """The last lines of the controllers' log that tell of something going wrong that a cause speaks of, without keys."""
    found = (line.strip() for line in log.splitlines() if _FAULT.search(line) and is_known(line))
    return tuple(_SECRET.sub("…", line)[:LONGEST] for line in dict.fromkeys(found))[-KEPT:]


def server_version(summary: str) -> str:
    """The release of the node in a bundle's `summary`, `v1.12.3`; empty if it does not say."""
    server = summary.partition("Server:")[2]
    match = _VERSION.search(server)
    return match[1] if match else ""
