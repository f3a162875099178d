"""Runs the host's tools (`ip` of iproute2, `nft`): never for longer than some seconds, and with clear complaints."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

TIMEOUT_S: Final = 5.0


def run(*command: str, text: str | None = None) -> str:
    """What a command prints.

    Args:
        command: the program and its arguments.
        text: for its standard input.

    Raises:
        OSError: it is not installed, failed (with its first complaint), or was ended because it took too long.
    """
    shown = f"`{' '.join(command[:5])}`"
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise OSError(f"{shown} hangs: it was ended after {TIMEOUT_S:g} s") from None
    except UnicodeDecodeError:
        raise OSError(f"{shown} printed what is no text") from None
    if done.returncode:
        complaint = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise OSError(f"{shown} failed: {complaint}")
    return done.stdout


def run_json(*command: str) -> Any:
    """What a command prints as JSON; None if it prints nothing.

    Raises:
        OSError: as `run`, or it printed something else.
    """
    printed = run(*command).strip()
    try:
        return json.loads(printed) if printed else None
    except ValueError:
        raise OSError(f"`{' '.join(command[:5])}` printed what is no JSON: {printed[:40]!r}") from None
