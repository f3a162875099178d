"""The text of a talosconfig: as talosctl writes it, or the user's own text with the edit in it.

A file that already looks as talosctl writes it is written so again. Any other one (comments, keys that
we do not know, flow style, another indentation) is edited in place: what the edit does not concern stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.talosconfig import Context, TalosConfig, default_path

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_NO_FOLDING: Final = 1 << 30


def load_or_create(path: str | Path | None = None) -> TalosConfig:
    """Read a talosconfig; a missing one is made, empty, as talosctl does.

    Raises:
        ConfigError: it cannot be read or made.
        DecodeError: it is not a talosconfig.
    """
    file = default_path() if path is None else Path(path).expanduser()
    if not file.exists():
        save(TalosConfig(path=file))
    return TalosConfig.load(file)


def save(config: TalosConfig, *, keep: bool = True) -> None:
    """Write a configuration to its file, with mode 0600 and whole or not at all.

    Args:
        config: with its path.
        keep: keep comments, unknown keys and layout of the file that is there; False writes as talosctl, which drops them.

    Raises:
        ConfigError: it has no path, or the file cannot be written.
        DecodeError: what stands in the file now is no talosconfig; it is left alone.
    """
    from talos_resources.rpc.private_file import write_private

    if config.path is None:
        raise ConfigError("a talosconfig without a path cannot be saved; set its path first")
    try:
        before = config.path.read_text("utf-8") if keep and config.path.exists() else None
        write_private(config.path, render(config, before=before).encode())
    except OSError as error:
        raise ConfigError(f"cannot write the talosconfig {config.path}: {error.strerror}") from None


def render(config: TalosConfig, *, before: str | None = None) -> str:
    """The text of a configuration.

    Args:
        config: what to write.
        before: the text whose comments, unknown keys and layout to keep; None for talosctl's own form.

    Raises:
        DecodeError: `before` is no talosconfig.
    """
    if before is None:
        return _canonical(config)
    old = TalosConfig.parse(before, source=str(config.path or "talosconfig"))
    if old == attrs.evolve(config, path=None):
        return before
    if _canonical(old) == before:
        return _canonical(config)
    text = _edited(before, old, config)
    # Comments are worth less than contexts: where a layout defeats the editor, the plain form is right.
    return text if TalosConfig.parse(text) == attrs.evolve(config, path=None) else _canonical(config)


def _canonical(config: TalosConfig) -> str:
    from talos_resources.codec.goyaml.emit import dump
    from talos_resources.codec.goyaml.keys import natural_key

    contexts = {name: _plain(config.contexts[name]) for name in sorted(config.contexts, key=natural_key)}
    return dump({"context": config.current, "contexts": contexts})


def _plain(context: Context) -> dict[str, Any]:
    """The keys of a context in talosctl's order, without those that it leaves out."""
    optional = {
        "nodes": list(context.nodes),
        "ca": context.ca_base64,
        "crt": context.crt_base64,
        "key": context.key_base64,
        "auth": {scheme: dict(fields) for scheme, fields in context.auth.items()},
        "cluster": context.cluster,
    }
    return {"endpoints": list(context.endpoints), **{key: value for key, value in optional.items() if value}}


def _edited(text: str, old: TalosConfig, new: TalosConfig) -> str:
    import io

    yaml = _editor(text)
    tree = yaml.load(text)
    if old.current != new.current:
        tree["context"] = _inserted(new.current)
    contexts = tree.get("contexts")
    if not isinstance(contexts, dict):
        contexts = tree["contexts"] = _inserted({})
    for name in old.contexts.keys() - new.contexts.keys():
        del contexts[name]
    for name, context in new.contexts.items():
        before = old.contexts.get(name)
        if before is None or not isinstance(contexts.get(name), dict):
            contexts[_inserted(name)] = _inserted(_plain(context))
        elif before != context:
            _update(contexts[name], _plain(before), _plain(context))
    if not contexts:
        tree["contexts"] = _inserted({})
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _update(tree: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for key in {**before, **after}:
        if before.get(key) == after.get(key):
            continue
        if key == "endpoints":
            # The old name of an endpoint is part of the list now.
            tree.pop("target", None)
        if key in after:
            tree[key] = _inserted(after[key])
        else:
            tree.pop(key, None)


def _inserted(value: Any) -> Any:
    """A new value for the tree, its texts quoted where a reader would take them for something else."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

    from talos_resources.codec.goyaml.emit import scalar

    if isinstance(value, dict):
        return CommentedMap({_inserted(key): _inserted(item) for key, item in value.items()})
    if isinstance(value, list):
        return CommentedSeq([_inserted(item) for item in value])
    match scalar(value)[:1]:
        case '"':
            return DoubleQuotedScalarString(value)
        case "'":
            return SingleQuotedScalarString(value)
        case _:
            return value


def _editor(text: str) -> YAML:
    """A round-trip reader and writer with the text's own indentation, to which every scalar is just text."""
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import BaseResolver
    from ruamel.yaml.util import load_yaml_guess_indent

    class TextResolver(BaseResolver):
        """Resolves nothing: 0123 is read and written back as it stands, and found under that name."""

        def __init__(self, version: Any = None, loader: Any = None, loadumper: Any = None) -> None:
            super().__init__(loadumper if loader is None else loader)

        @property
        def processing_version(self) -> tuple[int, int]:
            return (1, 2)

    _, mapping, offset = load_yaml_guess_indent(text)
    mapping, offset = mapping or 4, 4 if offset is None else offset
    yaml = YAML(typ="rt")
    yaml.Resolver = TextResolver
    yaml.preserve_quotes = True
    yaml.width = _NO_FOLDING
    yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    return yaml
