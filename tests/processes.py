"""What other processes do."""

from __future__ import annotations

from pathlib import Path


def worked(pid: int) -> int:
    """How long a process has been computing, in hundredths of a second; one whose figure stands still is waiting."""
    usage = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(usage[11]) + int(usage[12])
