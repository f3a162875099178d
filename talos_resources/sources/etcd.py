"""etcd as a source of nodes, and as a place to dump them to.

A prefix holds the resources of one node, as a Go program with COSI's state-etcd has them, or it holds
several nodes, each under its name: PREFIX/NODE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from talos_resources.backends.etcd.address import EtcdAddress, parse
from talos_resources.backends.etcd.client import DEFAULT_TIMEOUT_S
from talos_resources.backends.etcd.layout import escaped
from talos_resources.backends.etcd.state import EtcdState
from talos_resources.model.errors import ConfigError
from talos_resources.model.resource import Resource
from talos_resources.sources.cluster import Cluster


def open_url(rest: str, *, timeout: float = DEFAULT_TIMEOUT_S) -> Cluster:
    """The nodes behind `etcd://HOST:PORT[,HOST:PORT…][/PREFIX]`; a prefix without anything is one empty node.

    Args:
        rest: the URL without `etcd:`.
        timeout: seconds for a call.

    Raises:
        ConfigError: a URL that cannot be used, or a prefix that holds a node and has others below it.
        ConnectError: no member answers.
    """
    address = parse(f"etcd:{rest}")
    own, names = EtcdState.nodes(address, timeout=timeout)
    if own and names:
        raise ConfigError(
            f"{address} holds the resources of one node, and those of {len(names)} below it; name one of them, {address}/{names[0]} say"
        )
    if names:
        return Cluster({name: partial(EtcdState, _below(address, name), timeout=timeout) for name in names}, source=str(address))
    opener = partial(EtcdState, address, timeout=timeout)
    return Cluster({address.prefix.rpartition("/")[2]: opener}, source=str(address), unnamed=True)


def write(contents: Mapping[str, Sequence[Resource[Any]]], rest: str) -> None:
    """Writes the resources of one node under the prefix, those of several each under PREFIX/NODE.

    Args:
        contents: node → resources.
        rest: the URL without `etcd:`.

    Raises:
        ConfigError: there is something under the prefix already.
        TalosResourcesError: etcd cannot be reached or refuses.
    """
    address = parse(f"etcd:{rest}")
    own, names = EtcdState.nodes(address)
    if own or names:
        raise ConfigError(f"{address} holds resources already; name another prefix, or delete them with etcdctl del --prefix")
    for node, resources in contents.items():
        with EtcdState(address if len(contents) == 1 else _below(address, node)) as state:
            state.restore(resources)


def _below(address: EtcdAddress, node: str) -> EtcdAddress:
    return attrs.evolve(address, prefix=f"{address.prefix}/{escaped(node)}")
