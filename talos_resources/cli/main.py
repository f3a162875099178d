"""The entry: finds the command, runs it, and turns what goes wrong into one line and an exit code.

Exit codes: 0; 1 error; 2 usage; 3 `doctor` found something; 130 Ctrl-C. A closed pipe is no error.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from talos_resources.cli import options, registry
from talos_resources.cli.encoding import document, forgive, prints_document
from talos_resources.cli.pager import paged, show
from talos_resources.cli.parser import USAGE_ERROR, UsageError, complain
from talos_resources.cli.terminal import width_of_terminal
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.near import did_you_mean
from talos_resources.model.wrapping import wrapped

ERROR = 1
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line.

    Args:
        argv: the arguments without the program's name; None for those of the process.

    Returns:
        The exit code.
    """
    if "_ARGCOMPLETE" in os.environ:
        from talos_resources.cli.completing import complete

        complete()
    forgive()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except UsageError as error:
        text = str(error)
        complain(f"{text}{'' if text.endswith('?') else ';'} see {error.prog} --help" if error.prog else text)
        return USAGE_ERROR
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except TalosResourcesError as error:
        return _failed(error.message)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EBADF and not error.filename:
            _forget_stdout()
            reason = "standard output is closed"
        return _failed(f"{error.filename}: {reason}" if error.filename else reason)
    except KeyboardInterrupt:
        return INTERRUPTED
    else:
        return code


def _failed(message: str) -> int:
    try:
        complain(message)
    except BrokenPipeError:
        _forget_stdout()
    return ERROR


def _run(arguments: list[str]) -> int:
    prog = _prog()
    leading, name, rest = options.split(arguments)
    if name is None:
        return _top(leading, prog)
    if name not in registry.COMMANDS and name != "help":
        raise UsageError(f'no command "{name}"{did_you_mean(name, registry.COMMANDS)}', prog=prog)
    if name == "help":
        return _help_of(rest, prog)
    parser = registry.parser_of(name, prog=prog)
    try:
        args = parser.parse([*leading, *rest])
    except SystemExit:  # --help has been printed
        return 0
    if prints_document(name, args):
        document()
    return paged(name, args, lambda: registry.load(name).run(args))


def _top(flags: list[str], prog: str) -> int:
    """No command: help, the version, or a mistake."""
    if "-h" in flags or "--help" in flags or not flags:
        show(f"{_help(prog)}\n")
        return 0 if flags else USAGE_ERROR
    if "--version" in flags or "-V" in flags:
        return registry.load("version").run(registry.parser_of("version", prog=prog).parse([]))
    raise UsageError(f"a command is missing after {' '.join(flags)}", prog=prog)


def _help_of(words: list[str], prog: str) -> int:
    """`help`, and `help COMMAND` for `COMMAND --help`."""
    return _run([*words, "--help"]) if words else _top(["--help"], prog)


def _help(prog: str) -> str:
    from talos_resources.cli.examples import TOP

    groups = registry.grouped()
    width, columns = max(len(", ".join(names)) for commands in groups.values() for names, _ in commands), width_of_terminal()
    lines = []
    for group, commands in groups.items():
        told = (wrapped(f"  {', '.join(names):<{width}}   ", text, columns) for names, text in commands)
        lines += ["", f"{group}:", *(line for command in told for line in command)]
    examples = [f"  {prog} {line}" for line in TOP]
    return "\n".join(
        [
            f"usage: {prog} COMMAND [ARGUMENTS]",
            "",
            "The resources of a Talos Linux cluster: listed, watched and explained.",
            *lines,
            "",
            "examples:",
            *examples,
            "",
            f"`{prog} COMMAND --help` tells more.",
        ]
    )


def _prog() -> str:
    return "python -m talos_resources" if sys.argv[0].endswith("talos_resources/__main__.py") else "talos-resources"


def _forget_stdout() -> None:
    """Keeps the interpreter from flushing into the closed pipe once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
