"""The end of the process, when threads go on."""

from __future__ import annotations

import subprocess
import sys

DAEMON = """
import atexit, sys, threading
from talos_resources.__main__ import program

atexit.register(print, "the interpreter takes itself apart")
threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.argv = ["talos-resources", "explain", "kubespanpeerstatus"]
program()
"""

OTHER = """
import sys, threading, time
from talos_resources.__main__ import program

def ends():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    print("the last word", flush=True)

threading.Thread(target=ends).start()
sys.argv = ["talos-resources", "explain", "kubespanpeerstatus"]
program()
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_interpreter_is_not_taken_apart_beside_a_daemon() -> None:
    """One that imported then would kill the process."""
    said = run(DAEMON)
    assert "endpoint" in said
    assert "takes itself apart" not in said


def test_a_thread_that_is_no_daemon_has_its_last_word() -> None:
    assert run(OTHER).endswith("the last word\n")
