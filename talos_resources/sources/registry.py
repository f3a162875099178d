"""Which URL is opened by what.

A source is a function from what follows the scheme to a Cluster; its module is imported when such a URL
is opened.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean
from talos_resources.sources.cluster import Cluster

if TYPE_CHECKING:
    from pathlib import Path

SCHEMES: Final = {
    "demo": "talos_resources.sources.demo:open_url",
    "file": "talos_resources.sources.files:open_url",
    "cosi": "talos_resources.sources.live:open_tcp",
    "cosi+unix": "talos_resources.sources.live:open_unix",
    "etcd": "talos_resources.sources.etcd:open_url",
    "sqlite": "talos_resources.sources.sqlite:open_url",
}
"""Scheme → module and function. A text without a scheme of this table is a path."""

LIVE: Final = frozenset({"cosi", "cosi+unix", "etcd"})
"""The schemes whose functions take a `timeout` too."""

SERVED: Final = frozenset({"cosi", "cosi+unix"})
"""Those whose functions take `max_answer_bytes`."""

_SAYS_NOTHING: Final = 512
"""The most bytes that a talosconfig without contexts has; a larger one is not looked into before it is needed."""

SERVICE_ACCOUNT_CONFIG: Final = "/var/run/secrets/talos.dev/config"


def open_source(url: str, *, timeout: float | None = None, max_answer_bytes: int | None = None, identities: Sequence[Path] = ()) -> Cluster:
    """Opens a source.

    Args:
        url: `demo[:NAME]`, `-` for stdin, the path of a file, directory or zip, `cosi://HOST:PORT`,
            `cosi+unix:PATH`, `etcd://HOST:PORT/PREFIX` or `sqlite:PATH`.
        timeout: seconds that a call may take where there are calls; None for the usual: 60, with etcd 30.
        max_answer_bytes: how large a list of a server may be; None for the usual: a gibibyte.
        identities: files with the keys that open an encrypted support bundle.

    Raises:
        ConfigError: there is no such source.
        DecodeError: it holds something else than resources.
    """
    scheme, colon, rest = url.partition(":")
    known = scheme in SCHEMES and (colon or scheme == "demo")
    if not known and rest.startswith("//"):
        near = did_you_mean(scheme, SCHEMES)
        raise ConfigError(f'no source "{scheme}://"; there are {", ".join(SCHEMES)}, or the path of a file, directory or zip{near}')
    if not known and url != "-" and not os.path.exists(url) and (near := _mistyped(url)):  # noqa: PTH110 - nor pathlib
        raise ConfigError(f"no source, file or directory is called {url}{near}")
    home, argument = (SCHEMES[scheme], rest) if known else (SCHEMES["file"], url)
    module, _, function = home.partition(":")
    limits: dict[str, Any] = {}
    if known and scheme in LIVE and timeout is not None:
        limits["timeout"] = timeout
    if known and scheme in SERVED and max_answer_bytes is not None:
        limits["max_answer_bytes"] = max_answer_bytes
    if identities and home == SCHEMES["file"]:
        limits["identities"] = identities
    cluster = getattr(importlib.import_module(module), function)(argument, **limits)
    assert isinstance(cluster, Cluster)
    return cluster


def _mistyped(url: str) -> str:
    """The scheme that may be meant by what is none; nothing for most paths."""
    scheme, colon, _ = url.partition(":")
    if not colon:
        return did_you_mean(url, ("demo",)) if url.isalpha() else ""
    return did_you_mean(scheme, SCHEMES) if len(scheme) > 1 else ""  # one letter is a drive


def open_sources(
    urls: Sequence[str], *, timeout: float | None = None, max_answer_bytes: int | None = None, identities: Sequence[Path] = ()
) -> Cluster:
    """Opens one source, or several as one cluster with the nodes of all of them.

    Args:
        urls: of each, as for `open_source`; at least one.
        timeout: as for `open_source`.
        max_answer_bytes: as for `open_source`.
        identities: as for `open_source`.

    Raises:
        ConfigError: there is no such source, or two of them have a node of the same name.
        DecodeError: one holds something else than resources.
    """
    if len(urls) == 1:
        return open_source(urls[0], timeout=timeout, max_answer_bytes=max_answer_bytes, identities=identities)
    clusters: list[Cluster] = []
    try:
        for url in urls:
            cluster = open_source(url, timeout=timeout, max_answer_bytes=max_answer_bytes, identities=identities)
            clusters.append(cluster)  # those that are open are closed when one is not
        from talos_resources.sources.joined import joined

        return joined(clusters)
    except BaseException:
        for cluster in clusters:
            cluster.close()
        raise


def choose(
    urls: Sequence[str],
    *,
    nodes: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    context: str | None = None,
    talosconfig: str | None = None,
    insecure: bool = False,
    cert_fingerprints: Sequence[str] = (),
    timeout: float | None = None,
    max_answer_bytes: int | None = None,
    identities: Sequence[Path] = (),
) -> tuple[Cluster, bool]:
    """Opens what the command line means: the sources that are named, else the talosconfig, else the demo.

    The arguments are those of `connect_cluster` and `open_source`; None is what is usual there.

    Returns:
        The cluster, and whether it is the demo because nothing else was named.

    Raises:
        ConfigError: options that do not go together, or a source that cannot be opened.
        DecodeError: it holds something else than resources.
    """
    flags = {
        "--endpoints": endpoints,
        "--context": context,
        "--talosconfig": talosconfig,
        "--insecure": insecure,
        "--cert-fingerprint": cert_fingerprints,
    }
    live = [flag for flag, value in flags.items() if value]
    if urls:
        if live:
            raise ConfigError(f"--from {_without_login(urls[0])} and {live[0]} exclude each other; leave one out")
        return open_sources(urls, timeout=timeout, max_answer_bytes=max_answer_bytes, identities=identities), False
    if live or _has_talosconfig():
        from talos_resources.rpc.client.call import MAX_ANSWER_BYTES
        from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S
        from talos_resources.sources.live import connect_cluster

        cluster = connect_cluster(
            nodes=nodes,
            endpoints=endpoints,
            context=context,
            talosconfig=talosconfig,
            insecure=insecure,
            cert_fingerprints=cert_fingerprints,
            timeout=DEFAULT_TIMEOUT_S if timeout is None else timeout,
            max_answer_bytes=MAX_ANSWER_BYTES if max_answer_bytes is None else max_answer_bytes,
        )
        return cluster, False
    return open_source("demo"), True


def _without_login(url: str) -> str:
    """The URL as a message may show it: without a user's password."""
    scheme, _, rest = url.partition(":")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if scheme == "etcd" and "@" in rest else url


def _has_talosconfig() -> bool:
    """Whether `talosconfig` finds a file with contexts where it looks; importing it just for that would slow down the demo."""
    named = os.environ.get("TALOSCONFIG")
    home = os.path.expanduser(named or "~/.talos/config")  # noqa: PTH111 - nor pathlib
    if os.path.exists(home):  # noqa: PTH110
        return not _has_no_contexts(home)
    return bool(named) or os.path.exists(SERVICE_ACCOUNT_CONFIG)  # noqa: PTH110


def _has_no_contexts(file: str) -> bool:
    """Whether a talosconfig is there and says nothing; `config` of talosctl leaves such files behind."""
    if not 0 < os.stat(file).st_size <= _SAYS_NOTHING:  # noqa: PTH116
        return False
    from talos_resources.talosconfig.config import TalosConfig

    return not TalosConfig.load(file).contexts
