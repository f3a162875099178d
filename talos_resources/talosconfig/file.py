"""The text of a talosconfig: as talosctl writes it, or the user's own text with the edit in it.

A file that already looks as talosctl writes it is written so again. Any other one (comments, keys that
we do not know, flow style, another indentation) is edited in place: lines that the edit does not concern stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import NEWEST, Release
from talos_resources.talosconfig.config import Context, TalosConfig, default_path

if TYPE_CHECKING:
    from talos_resources.codec.goyaml.nodes import Node


def load_or_empty(path: str | Path | None = None) -> TalosConfig:
    """Read a talosconfig; a missing one has no contexts, and is made by the first `save`.

    Raises:
        ConfigError: it cannot be read.
        DecodeError: it is not a talosconfig.
    """
    file = default_path() if path is None else Path(path).expanduser()
    return TalosConfig.load(file) if file.exists() else TalosConfig(path=file)


def edit(path: str | Path | None, change: Callable[[TalosConfig], TalosConfig], *, compat: Release | None = None) -> TalosConfig:
    """Read a talosconfig, change it and write it, while no other edit of the file comes between.

    Args:
        path: as for `load_or_empty`.
        change: given what the file holds now; returns what it is to hold.
        compat: as for `save`.

    Returns:
        What `change` returned.

    Raises:
        ConfigError: it cannot be read or written; whatever `change` raises is passed on. The file is as it was.
    """
    from talos_resources.rpc.pki.private_file import alone_with

    file = default_path() if path is None else Path(path).expanduser()
    try:
        with alone_with(file):
            changed = change(load_or_empty(file))
            save(changed, compat=compat)
            return changed
    except OSError as error:
        raise ConfigError(f"cannot write the talosconfig {file}: {error.strerror}") from None


def save(config: TalosConfig, *, compat: Release | None = None) -> None:
    """Write a configuration to its file, with mode 0600 and whole or not at all.

    Args:
        config: with its path.
        compat: write as this talosctl, which drops comments, layout and keys that it does not know; None keeps them.

    Raises:
        ConfigError: it has no path, the file cannot be written, or not be edited in place.
        DecodeError: what stands in the file now is no talosconfig; it is left alone.
    """
    from talos_resources.codec.goyaml.nodes import to_text
    from talos_resources.codec.whole import read_whole
    from talos_resources.rpc.pki.private_file import write_private

    if config.path is None:
        raise ConfigError("a talosconfig without a path cannot be saved; set its path first")
    try:
        before = to_text(read_whole(config.path), source=str(config.path)) if compat is None and config.path.exists() else None
        write_private(config.path, render(config, before=before, release=compat or NEWEST).encode())
    except OSError as error:
        raise ConfigError(f"cannot write the talosconfig {config.path}: {error.strerror}") from None


def render(config: TalosConfig, *, before: str | None = None, release: Release = NEWEST) -> str:
    """The text of a configuration.

    Args:
        config: what to write.
        before: the text whose comments, unknown keys and layout to keep; None for talosctl's own form.
        release: of the talosctl whose form that is.

    Raises:
        DecodeError: `before` is no talosconfig.
        ConfigError: `before` cannot be edited where the change belongs (inside of what an anchor shares).
    """
    if before is None:
        return _canonical(config, release)
    old = TalosConfig.parse(before, source=str(config.path or "talosconfig"))
    if old == attrs.evolve(config, path=None):
        return before
    if _canonical(old, release) == before:
        return _canonical(config, release)
    text = _edited(before, old, config)
    if not _says(text, config):
        raise ConfigError(
            f"cannot edit {config.path or 'the talosconfig'} in place, probably because of its anchors (&, *); write them out, "
            "or use --compat talosctl, which writes the file afresh"
        )
    return text


def _says(text: str, config: TalosConfig) -> bool:
    """Whether a text reads back as the configuration."""
    try:
        return TalosConfig.parse(text) == attrs.evolve(config, path=None)
    except DecodeError:
        return False


def _canonical(config: TalosConfig, release: Release) -> str:
    from talos_resources.codec.goyaml.emit import dump
    from talos_resources.codec.goyaml.keys import natural_key

    contexts = {name: _plain(config.contexts[name], release) for name in sorted(config.contexts, key=natural_key)}
    return dump({"context": config.current, "contexts": contexts}, style=release.yaml)


def _plain(context: Context, release: Release = NEWEST) -> dict[str, Any]:
    """The keys of a context in talosctl's order, without those that it leaves out."""
    optional = {
        "nodes": list(context.nodes),
        "ca": context.ca_base64,
        "crt": context.crt_base64,
        "key": context.key_base64,
        "auth": {scheme: dict(fields) for scheme, fields in context.auth.items()},
        "cluster": context.cluster,
        "proxy-url": context.proxy_url if release.has_flag("config", "proxy-url") else "",
    }
    return {"endpoints": list(context.endpoints), **{key: value for key, value in optional.items() if value}}


def _edited(text: str, old: TalosConfig, new: TalosConfig) -> str:
    """The text with only those lines written anew that differ between the configurations."""
    from talos_resources.codec.goyaml.nodes import compose_all
    from talos_resources.codec.goyaml.splice import Splicer

    roots = compose_all(text)
    before = _tree(roots[0], ("context", "contexts"))
    after = dict(before)
    if old.current != new.current:
        after["context"] = new.current
    if old.contexts != new.contexts:
        contexts = dict(before.get("contexts") or {})
        for name in old.contexts.keys() - new.contexts.keys():
            contexts.pop(name, None)
        for name, context in new.contexts.items():
            known = old.contexts.get(name)
            if known is None:
                contexts[name] = _plain(context)
            elif known != context:
                contexts[name] = _changed(contexts.get(name) or {}, _plain(known), _plain(context))
        after["contexts"] = contexts
    splicer = Splicer(text, roots)
    splicer.document(roots[0], before, after)
    return splicer.result()


def _changed(tree: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a context as the file has them, with what the edit changes."""
    changed = dict(tree)
    for key in {**before, **after}:
        if before.get(key) == after.get(key):
            continue
        if key == "endpoints":
            # The old name of an endpoint is part of the list now.
            changed.pop("target", None)
        if key in after:
            changed[key] = after[key]
        else:
            changed.pop(key, None)
    return changed


def _tree(node: Node, path: tuple[str, ...] = ()) -> Any:
    """A document as the splicer compares it: plain values, but what we know is text, whatever it looks like.

    Args:
        node: of the document.
        path: the keys below which to read texts; empty means here and everywhere below.
    """
    from talos_resources.codec.goyaml.values import value_of

    if node.kind == "mapping":
        return {key.text: _tree(value) if not path or key.text in path else value_of(value) for key, value in node.pairs}
    if node.kind == "sequence":
        return [_tree(item) for item in node.items]
    return None if node.is_null else node.text
