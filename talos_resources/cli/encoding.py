"""What standard output does with letters that its encoding lacks: never an error, whatever the locale.

Text for people goes out in the encoding of the terminal, with near letters in the place of those that it lacks.
Documents (YAML, JSON, HTML, SVG) are UTF-8, as their formats say and as talosctl writes them.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from argparse import Namespace
from typing import Final

from talos_resources.cli.terminal import guard, unguarded

_NEAR: Final = {"↔": "<->", "→": "->", "·": ".", "…": "~"}
"""One letter where tables and the matrix use it, so that columns stay straight. A `?` would mean that a link is unknown."""


_FORMATS: Final = frozenset({"json", "yaml", "jsonpath", "html", "svg", "csv", "csv-safe", "dot", "mermaid", "prometheus"})
_WRITERS: Final = frozenset({"dump", "export", "gen", "kubespan", "report"})


def forgive() -> None:
    """Makes standard output and error replace what they cannot write, from now on; what terminals get is guarded."""
    codecs.register_error("talos_resources", _near)
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="talos_resources")
    guard()


def _open_what_is_closed() -> None:
    """Puts something in the place of standard streams that whoever started us has closed (`>&-`).

    Without, a file that is opened later gets their number. What is written to standard output fails then, as it does
    for other programs; what is written to standard error is lost.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))


def prints_document(command: str, args: Namespace) -> bool:
    """Whether a command line prints a document on standard output."""
    if command == "cilium":
        return bool(args.action != "check" or args.output == "json")
    return command in _WRITERS or str(getattr(args, "output", None)).partition("=")[0] in _FORMATS


def document() -> None:
    """What is written to standard output from now on is UTF-8."""
    stream = unguarded(sys.stdout)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="talos_resources")


def _near(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join([_NEAR.get(letter, "?") for letter in letters]), error.end
