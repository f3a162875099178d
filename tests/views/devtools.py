"""A page in headless Chromium, driven as a hand drives it: through the browser's own protocol, over a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


class Hand:
    """A page and what one does with it. Places are in its own pixels, from the top left of the window."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out = into, out
        self._number = 0
        self._rest = b""
        self._session: dict[str, str] = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Asks the browser something and waits for the answer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params, **self._session})
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, page: Path, *, width: int, height: int, phone: bool = False) -> None:
        """Loads a page in a window of that size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.says("window.old = true")
        self.call("Page.navigate", url=page.as_uri())
        self.until("!window.old && document.readyState === 'complete'")

    def says(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Waits until something is so: what a finger does comes about after it has gone, and a page after it was asked for."""
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(AssertionError):  # the page is just being left
                if self.says(script):
                    return
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def point(self, x: float, y: float) -> None:
        """Moves the mouse there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Clicks there."""
        self.point(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, x: float, y: float) -> None:
        """Taps there with a finger."""
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def _send(self, message: dict[str, Any]) -> None:
        os.write(self._into, json.dumps(message).encode() + b"\0")

    def _read(self) -> Any:
        while b"\0" not in self._rest:
            piece = os.read(self._out, 1 << 16)
            assert piece, "the browser has gone"
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)


@contextlib.contextmanager
def browser(program: str, profile: Path) -> Iterator[Hand]:
    """A browser for as long as one is in here."""
    theirs, into = os.pipe()
    out, theirs_too = os.pipe()

    # The browser reads 3 and writes 4: a shell puts them there, from places where they are in nobody's way.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (theirs, theirs_too)]
    command = ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]}', "-", program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=high)
    for fd in (theirs, theirs_too, *high):
        os.close(fd)
    try:
        hand = Hand(into, out)
        yield hand
        hand._session = {}
        hand._send({"id": 0, "method": "Browser.close"})
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(into)
        os.close(out)
