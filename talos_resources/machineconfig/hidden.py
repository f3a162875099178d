"""A machine configuration that may be shown: what is secret in it is hidden, also in the difference of two."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from talos_resources.codec.goyaml.emit import dump
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import to_plain

HIDDEN: Final = "<hidden>"
HIDDEN_NEW: Final = "<hidden, another one>"
"""Stands for a secret in whose place the configuration before had another one."""

_KEYS: Final = frozenset(
    {
        *("token", "secret", "aescbcEncryptionSecret", "secretboxEncryptionSecret", "clusterSecret", "uniqueToken", "apiToken"),
        *("privateKey", "presharedKey", "passphrase", "password", "auth", "identityToken", "secretAccessKey"),
    }
)
"""Keys whose values are secrets wherever they stand, in Talos's documents and in what Kubernetes reads."""

_WHOLE: Final = frozenset({"env", "environment", "content", "contents", "manifest", "extraManifestHeaders", "stringData", "configFiles"})
"""Keys below which every value may be one: files, manifests, environments."""

_PRIVATE: Final = re.compile(r"PRIVATE KEY-----")
_PEM_BASE64: Final = "LS0tLS1CRUdJTi"
_USER: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_QUERY: Final = re.compile(r"([?&][^=&#\s]*(?:token|secret|password|key)[^=&#\s]*=)[^&#\s]+", re.IGNORECASE)


def hidden_text(config: MachineConfig) -> str:
    """The configuration, of any form, as YAML, only what is set, with every secret hidden."""
    return "---\n".join(dump(_without_secrets(_plain(document))) for document in config.documents)


def difference(old: MachineConfig, new: MachineConfig) -> str:
    """What changes from one configuration to another, as a unified diff of the documents that differ; secrets are hidden.

    Returns:
        Empty where nothing changes: two forms of one meaning do differ, blanks and comments do not.
    """
    known = frozenset(_secrets_of(old))
    keys = dict.fromkeys(document.key for config in (old, new) for document in config.documents)
    parts: list[str] = []
    for key in keys:
        was, becomes = old.find(*key), new.find(*key)
        if was is not None and becomes is not None and was.fields == becomes.fields:
            continue
        before = _plain(was)
        lines = (_lines(before), _lines(_plain(becomes), before, known))
        parts += difflib.unified_diff(*lines, f"{was or 'nothing'} (now)", f"{becomes or 'nothing'} (new)", lineterm="")
    return "".join(f"{line}\n" for line in parts)


def _lines(plain: dict[str, Any], before: Any = None, known: frozenset[str] = frozenset()) -> list[str]:
    return dump(_without_secrets(plain, before, known)).splitlines() if plain else []


def _plain(document: Document | None) -> dict[str, Any]:
    if document is None:
        return {}
    plain: dict[str, Any] = to_plain(document.type, document.fields, complete=False)
    return plain


def _secrets_of(config: MachineConfig) -> Iterator[str]:
    for document in config.documents:
        yield from _secrets(_plain(document))


def _secrets(value: Any, *, whole: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, whole=whole or _is_secret(key, value) or key in _WHOLE)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, whole=whole)
    elif isinstance(value, str) and (whole or _is_private(value)):
        yield value


def _without_secrets(value: Any, before: Any = None, known: frozenset[str] = frozenset(), *, whole: bool = False) -> Any:
    """The value with what hides secrets in their places.

    Args:
        value: plain.
        before: what was in its place; None for nothing, or for no comparison.
        known: the secrets before.
        whole: everything in it is one.
    """
    if isinstance(value, Mapping):
        was = before if isinstance(before, Mapping) else {}
        return {
            key: _without_secrets(item, was.get(key), known, whole=whole or _is_secret(key, value) or key in _WHOLE)
            if not (whole and key in {"name", "path", "mountPath", "op", "permissions"})
            else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        earlier = _earlier(value, before if isinstance(before, list) else [])
        return [_without_secrets(item, was, known, whole=whole) for item, was in zip(value, earlier, strict=True)]
    if not isinstance(value, str) or not value:
        return value
    if whole or _is_private(value):
        return HIDDEN_NEW if before and value not in known else HIDDEN
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(HIDDEN, value))


def _earlier(items: list[Any], before: list[Any]) -> Iterator[Any]:
    """What each item was: the one of its name, else the one that had its place and is gone; None for an item that is added."""
    names = [_name(item) for item in items]
    by_name = {_name(item): item for item in before}
    for place, name in enumerate(names):
        replaced = before[place] if place < len(before) and _name(before[place]) not in names else None
        yield by_name.get(name, replaced)


def _name(item: Any) -> str:
    named = (item.get("name") or item.get("path") or item.get("mountPath")) if isinstance(item, Mapping) else None
    return str(named or item)


def _is_secret(key: str, siblings: Mapping[str, Any]) -> bool:
    """Whether what a key holds is secret; `key` is, beside the certificate that it belongs to."""
    return key in _KEYS or (key == "key" and not siblings.keys().isdisjoint({"crt", "cert"}))


def _is_private(text: str) -> bool:
    """Whether a text holds a private key, as PEM or as the base64 of it."""
    if _PRIVATE.search(text):
        return True
    if not text.startswith(_PEM_BASE64):
        return False
    try:
        return b"PRIVATE KEY-----" in base64.b64decode(text)
    except (binascii.Error, ValueError):
        return True  # cut off, perhaps, and a key all the same
