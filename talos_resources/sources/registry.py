"""Which module opens which kind of URL.

A source is a module with `open_url(rest) -> Cluster`, where `rest` is what follows the
scheme; it is imported when such a URL is opened.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Final

from talos_resources.model.errors import ConfigError
from talos_resources.sources.cluster import Cluster

SCHEMES: Final = {
    "demo": "talos_resources.sources.demo",
    "file": "talos_resources.sources.files",
}
"""Scheme → module. A text without a scheme of this table is a path."""


def open_source(url: str) -> Cluster:
    """Opens a source.

    Args:
        url: `demo[:NAME]`, `-` for stdin, or the path of a file, directory or zip.

    Raises:
        ConfigError: there is no such source.
        DecodeError: it holds something else than resources.
    """
    scheme, colon, rest = url.partition(":")
    known = scheme in SCHEMES and (colon or scheme == "demo")
    module, argument = (SCHEMES[scheme], rest) if known else (SCHEMES["file"], url)
    cluster = importlib.import_module(module).open_url(argument)
    assert isinstance(cluster, Cluster)
    return cluster


def choose(
    url: str | None,
    *,
    endpoints: Sequence[str] = (),
    context: str | None = None,
    talosconfig: str | None = None,
) -> tuple[Cluster, bool]:
    """Opens what the command line means: a URL, else the talosconfig, else the demo.

    Returns:
        The cluster, and whether it is the demo because nothing else was named.

    Raises:
        ConfigError: options that do not go together, or a source that cannot be opened.
        DecodeError: it holds something else than resources.
    """
    live = [flag for flag, value in (("--endpoints", endpoints), ("--context", context), ("--talosconfig", talosconfig)) if value]
    if url is not None:
        if live:
            raise ConfigError(f"--from {url} and {live[0]} exclude each other; leave one out")
        return open_source(url), False
    return open_source("demo"), True


def default_talosconfig() -> str:
    """Where talosctl looks for its configuration: `$TALOSCONFIG`, else `~/.talos/config`."""
    # Not pathlib: importing it costs a twentieth of the whole start-up.
    return os.environ.get("TALOSCONFIG") or os.path.expanduser("~/.talos/config")  # noqa: PTH111
