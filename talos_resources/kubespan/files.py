"""Small YAML files of texts that a node makes once and keeps: its identities.

Source: Talos v1.12.3, files on the STATE partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import DecodeError
from talos_resources.rpc.pki.private_file import write_private


def parse_fields(text: str, keys: Sequence[str], *, source: str) -> dict[str, str]:
    """The texts of a mapping, an empty one for each key that is not there.

    Args:
        text: YAML.
        keys: the keys that may be there.
        source: the file name, for errors.

    Raises:
        DecodeError: no mapping of texts, an unknown key, or every value empty. Values are never shown.
    """
    from talos_resources.codec.goyaml import read

    document = read.load(text, source=source)
    document = {} if document is None else document
    if not isinstance(document, dict):
        msg = "this is no mapping of texts"
        raise DecodeError(msg, source=source)
    unknown = [str(key) for key in document if key not in keys]
    if unknown:
        msg = f"unknown key {unknown[0]!r}; the keys are {', '.join(keys)}"
        raise DecodeError(msg, source=source, path=unknown[0])
    fields = {key: document.get(key) for key in keys}
    for key, value in fields.items():
        if value is not None and not isinstance(value, str):
            msg = "this is no text"
            raise DecodeError(msg, source=source, path=key)
    if not any(fields.values()):
        msg = f'value of "{Path(source).name}" is still zero after unmarshaling'
        raise DecodeError(msg, source=source)
    return {key: value or "" for key, value in fields.items()}


def render_fields(fields: Mapping[str, str]) -> str:
    """The YAML of a mapping of texts, keys in their order."""
    from talos_resources.codec.goyaml import emit

    return emit.dump(dict(fields))


def read_or_make(path: Path, keys: Sequence[str], make: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """What the file holds; if there is none, what `make` returns, after it is safely on disk with mode 0600.

    Two processes that start at once agree on one content: the first to link its file wins.

    Raises:
        DecodeError: the file is not what it should be.
        OSError: it cannot be read or written.
    """
    with suppress(FileNotFoundError):
        return parse_fields(read_whole(path).decode(), keys, source=str(path))
    with suppress(FileExistsError):
        write_private(path, render_fields(make()).encode(), overwrite=False)
    return parse_fields(read_whole(path).decode(), keys, source=str(path))
