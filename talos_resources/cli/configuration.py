"""Reading the file of a machine configuration, in whichever form people have it."""

from __future__ import annotations

import sys
from pathlib import Path

from talos_resources.model.errors import ConfigError


def read_configuration(file: str) -> bytes | str:
    """The text of a configuration; says on stderr if it was taken out of what `talosctl get` printed.

    Args:
        file: its name, or `-` for stdin.

    Raises:
        ConfigError: it cannot be read, or holds the configurations of several nodes.
    """
    from talos_resources.machineconfig.node_output import unwrapped

    name = "stdin" if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from None
    found = unwrapped(data, source=name)
    if found.note:
        print(f"note: {found.note}", file=sys.stderr)
    return found.text
