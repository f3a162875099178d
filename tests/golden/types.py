"""Runs recorded resources through their classes: message → class → message, class → YAML and JSON, YAML → class.

`python -m tests.golden.types DIR` takes every resource of every `*.wire.json` of a folder, packed by xz or not, as a
case, prints those that differ, and at last `N passed, M failed`. A file `VERSION` in the folder says of which release
the nodes were; without one it is v1.13. What is held of each resource:

- its message comes back byte for byte, up to the order of fields and of the entries of maps;
- the YAML and the JSON of the class are those of the node, in the style of its release. A node of another release than
  the classes' does not know all fields and leaves out fewer: what only one side has must be blank there;
- the class is read back from what it prints, YAML and JSON, and prints and sends the same again.
"""

from __future__ import annotations

import base64
import json
import lzma
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from talos_resources.codec.encoder import encode
from talos_resources.codec.goyaml.read import load
from talos_resources.codec.plain import spec_from_plain, spec_to_plain
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.text import resource_from_json, resource_from_yaml, resource_to_json, resource_to_yaml, spec_to_yaml
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.kind import typed_kind
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Unread, sent_yaml
from talos_resources.releases import NEWEST, Release, known_release
from tests.golden import command
from tests.golden.command import Verdict

_OLDER: Final = "v1.13"
_MEANT: Final = {"mountstatuses.runtime.talos.dev": "that its aliases are no automatic ones is in the YAML alone"}
_BLANK: Final[tuple[Any, ...]] = ("", 0, False, None, [], {}, "0s", "0001-01-01T00:00:00Z")


def run_all(folder: Path) -> Iterator[Verdict]:
    """Runs every resource of every wire file of a folder."""
    version = folder / "VERSION"
    release = known_release(version.read_text().strip() if version.is_file() else _OLDER)
    for file in sorted((*folder.glob("*.wire.json"), *folder.glob("*.wire.json.xz"))):
        data = file.read_bytes()
        for entry in json.loads(lzma.decompress(data) if file.suffix == ".xz" else data):
            name = f"{file.name.partition('.')[0]}: {entry['type']} {entry['id']}"
            try:
                yield Verdict(name, difference(base64.b64decode(entry["wire"]), release), _MEANT.get(entry["id"], ""))
            except Exception as error:  # noqa: BLE001 - a crash is a difference, and the other cases count too
                yield Verdict(name, f"crashed: {error!r}")


def difference(wire: bytes, release: Release) -> str:
    """What of a resource is not as it should be; empty if there is nothing."""
    sent = resource_from_wire(wire)
    kind = typed_kind(sent.type)
    if kind is None:
        return "" if sent.spec.yaml else "a type without a class, and no YAML"
    spec, yaml = sent.spec, sent_yaml(sent) or ""
    message = sent.parts[0] if isinstance(sent, Unread) else b""
    if message and sorted(encode(spec)) != sorted(message):
        return "the message is another one"
    if message and spec_from_wire(kind.spec, encode(spec)) != spec_from_wire(kind.spec, message):
        return "the message reads as another one"
    return _printed(sent, yaml, release) or _read_back(sent)


def _printed(sent: Resource[Any], yaml: str, release: Release) -> str:
    if not yaml:
        return ""
    made = Resource(sent.metadata, sent.spec)
    ours, theirs = (resource_to_yaml(one, style=release.yaml) for one in (made, sent))
    if ours == theirs and resource_to_json(made) == resource_to_json(sent):
        return ""
    if release.yaml == NEWEST.yaml and made.spec.unknown is None:
        return f"class → YAML\n  node: {theirs!r:.1500}\n  ours: {ours!r:.1500}"
    plain, node = (load(text, source="") for text in (spec_to_yaml(made.spec, style=release.yaml), yaml))
    where = _unlike(plain, _named(node), "spec")
    return f"class → YAML: {where}" if where else ""


def _named(node: Any) -> Any:
    """Go does not quote the features of an Ethernet link, whatever they are: `null` and `~` are texts there."""
    if isinstance(node, Mapping) and "features" in node and "linkState" in node:
        features = {"null" if key is None else key: "~" if value is None else value for key, value in node["features"].items()}
        return {**node, "features": features}
    return node


def _unlike(ours: Any, theirs: Any, path: str) -> str:
    """Where two releases say different things; what only one knows or shows is blank."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in dict.fromkeys((*ours, *theirs)):
            if key in ours and key in theirs:
                found = _unlike(ours[key], theirs[key], f"{path}.{key}")
            else:
                lone = ours[key] if key in ours else theirs[key]
                found = "" if _is_blank(lone) else f"{path}.{key}: only {'ours' if key in ours else 'the node'} has {lone!r:.200}"
            if found:
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return next((found for i, pair in enumerate(zip(ours, theirs, strict=True)) if (found := _unlike(*pair, f"{path}[{i}]"))), "")
    return "" if ours == theirs else f"{path}: the node has {theirs!r:.200}, ours {ours!r:.200}"


def _is_blank(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_blank, value.values()))
    return any(type(value) is type(blank) and value == blank for blank in _BLANK)


def _read_back(sent: Resource[Any]) -> str:
    made = Resource(sent.metadata, sent.spec)
    cls = type(made.spec)
    again = spec_from_plain(cls, spec_to_plain(made.spec))
    if spec_to_plain(again) != spec_to_plain(made.spec):
        return "plain values → class"
    for name, read, write in (("YAML", resource_from_yaml, resource_to_yaml), ("JSON", resource_from_json, resource_to_json)):
        found = read(write(made), source="")
        if type(found.spec) is not cls:
            return f"{name} → class gives a {type(found.spec).__name__}"
        if write(Resource(made.metadata, found.spec)) != write(made):
            return f"{name} → class prints another {name}"
        if sorted(encode(found.spec)) != sorted(encode(again)):
            return f"{name} → class sends another message"
    return ""


def main(arguments: Sequence[str]) -> int:
    """Runs the resources of a folder; see `tests.golden.command`."""
    return command.run("types", arguments, run_all)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
