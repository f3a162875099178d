"""The real discovery client as a process."""

from __future__ import annotations

import base64
import json
import queue
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEY = bytes(range(32))
CLUSTER_ID = "interop"
LONG = 60.0

View = dict[str, list[str]]
"""Node id → host name and endpoints."""


class GoClient:
    """A running real client."""

    def __init__(self, programs: Path, endpoint: str, name: str, *, ca: Path | None = None, ttl: str = "30m") -> None:
        arguments = ["-endpoint", endpoint, "-cluster", CLUSTER_ID, "-secret", base64.b64encode(KEY).decode(), "-id", name, "-ttl", ttl]
        arguments += [] if ca is None else ["-ca", str(ca)]
        self._process = subprocess.Popen(
            [programs / "client", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._views: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._last: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def tell(self, *words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words) + "\n")

    def sees(self, wanted: View) -> dict[str, Any]:
        """Waits until it sees exactly these nodes."""
        while self._last.get("affiliates") != wanted:
            self._last = self._views.get(timeout=LONG)
        return self._last

    def passes(self, wanted: View) -> list[dict[str, Any]]:
        """As `sees`, with all that it has seen since the last time."""
        seen = [self._last]
        while seen[-1].get("affiliates") != wanted:
            seen.append(self._views.get(timeout=LONG))
        self._last = seen[-1]
        return seen

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(LONG)
        self._thread.join(LONG)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._views.put(json.loads(line))


StartClient = Callable[..., GoClient]
