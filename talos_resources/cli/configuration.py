"""The file of a machine configuration: read in whichever form people have it, written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talos_resources.codec.whole import read_whole
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
        data = read_whole(None if file == "-" else Path(file), name=name)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from None
    found = unwrapped(data, source=name)
    if found.note:
        print(f"note: {found.note}", file=sys.stderr)
    return found.text


@contextmanager
def alone(file: str, output: str | None) -> Iterator[None]:
    """While a file is read and written again, no other edit of it comes between; anything else waits for nobody."""
    if not output or file == "-" or os.path.realpath(file) != os.path.realpath(output):
        yield
        return
    from talos_resources.rpc.pki.private_file import alone_with

    with alone_with(Path(output)):
        yield


def write_configuration(data: bytes, output: str) -> None:
    """Writes a configuration, which has secrets, for its owner alone.

    Raises:
        ConfigError: it cannot be written; what was there stays.
    """
    from talos_resources.rpc.pki.private_file import write_private

    try:
        write_private(Path(output), data)
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror}; nothing was written") from None
