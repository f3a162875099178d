"""The text of a file → resources: `*.wire.json`, and YAML or JSON as `talosctl get` prints them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NamedTuple

from talos_resources.codec.gojson import refuse_halves
from talos_resources.model.errors import DecodeError
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED, UnreadableSpec, UntypedSpec
from talos_resources.sources.load import defined, is_taken_out
from talos_resources.sources.pasted import Piece, pieces, text_of

_EXPECTED: Final = "expected what `talosctl get -o yaml` or `-o json` prints, or a *.wire.json file"
_TABLE: Final = re.compile(r"^\W*(?:\S*\s+)?(?:NODE|NAMESPACE|TYPE|ID)\s+(?:\S+\s+)*VERSION\b")
"""The headings of what `talosctl get` prints without -o."""

_NODE: Final = re.compile(r"^node: (\S+)$", re.MULTILINE)
_TYPE: Final = re.compile(r"^ +type: (\S+)$", re.MULTILINE)
_MASKED: Final = re.compile(r"^([ \t]*(?:- )?(?:\w+: )?)((?:\*|\[[A-Za-z][^\],:\n]*\]:)[^\n]*)$", re.MULTILINE)
"""A value in whose place somebody put `***` or `[HIDDEN]`, which YAML takes for something else."""
START: Final = "---\n"
"""The line before a document."""

_NO_RESOURCE: Final = frozenset({"bootstrapped", "noop"})


class Entry(NamedTuple):
    """One resource of a file.

    Attributes:
        node: the node it was read from, None if the file does not say.
        event: what happened to it, None if the file is no watch: `created`, `updated`, `destroyed`.
        resource: as it was stored there.
        where: file and position, for messages.
    """

    node: str | None
    event: str | None
    resource: Resource[Any]
    where: str


def parse(data: bytes, *, source: str) -> Iterator[Entry]:
    """Reads the contents of a file; what it is, is seen from the contents.

    Args:
        data: UTF-8 text.
        source: the name of the file, for messages.

    Raises:
        DecodeError: it is something else, or broken; the message says where.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DecodeError(f"not UTF-8 text (byte {error.start}); {_EXPECTED}", source=source) from None
    if "\0" in text:
        raise DecodeError(f"binary data; {_EXPECTED}", source=source)
    start = text.lstrip()
    if not start:
        raise DecodeError(f"is empty; {_EXPECTED}", source=source)
    if _TABLE.match(start[:200].partition("\n")[0]):
        raise DecodeError("this is a table; use -o yaml, from which the values can be read: `talosctl get … -o yaml`", source=source)
    if start[0] in "[{":
        yield from _from_json(text, source)
    else:
        yield from _from_yaml(text, source)


def _from_json(text: str, source: str) -> Iterator[Entry]:
    """A list of wire entries, or JSON documents one after the other."""
    decoder = json.JSONDecoder()
    position, number = 0, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            value, end = decoder.raw_decode(text, position)
            refuse_halves(value, text[position:end], source=f"{source}: document {number + 1}")
        except json.JSONDecodeError as error:
            raise DecodeError(f"broken JSON: {error.msg}", source=f"{source}:{error.lineno}") from None
        except RecursionError:
            raise DecodeError("broken JSON: nested too deeply", source=source) from None
        except ValueError as error:  # an integer of thousands of digits
            raise DecodeError(f"broken JSON: {error}", source=source) from None
        number, position = number + 1, end
        if isinstance(value, list) and not any(isinstance(item, dict) and "metadata" in item for item in value):
            yield from _from_wire(value, source)
        elif isinstance(value, list):  # `jq -s` makes one list of documents
            for index, item in enumerate(value, 1):
                yield from _entry(item, f"{source}: document {index}")
        else:
            yield from _entry(value, f"{source}: document {number}")


def _from_yaml(text: str, source: str) -> Iterator[Entry]:
    from talos_resources.codec.plain_lines import read
    from talos_resources.codec.text import documents_from_yaml

    number = 0
    for part in _parts(text):
        found = read(part.removeprefix(START))
        if found is not None:
            number += 1
            yield Entry(found.node, None, found.resource, f"{source}: document {number}")
            continue
        try:
            values = _documents(part, source)
        except DecodeError:  # which is told with its line in the whole text
            yield from _entries(islice(documents_from_yaml(text, source=source), number, None), number, source)
            return
        yield from _entries(values, number, source)
        number += len(values)


def _documents(part: str, source: str) -> list[Any]:
    """Those of a part; where a word in the place of a value makes it no YAML, the word is taken for a text."""
    from talos_resources.codec.text import documents_from_yaml

    try:
        return list(documents_from_yaml(part, source=source))
    except DecodeError:
        plain = _MASKED.sub(lambda found: found[1] + json.dumps(found[2], ensure_ascii=False), part)
        if plain == part:
            raise
        return list(documents_from_yaml(plain, source=source))


def _parts(text: str) -> Iterator[str]:
    """The text cut before each line that begins a document."""
    begin = 0
    while begin < len(text):
        end = text.find(f"\n{START}", begin) + 1 or len(text)
        yield text[begin:end]
        begin = end


def _entries(values: Iterable[Any], number: int, source: str) -> Iterator[Entry]:
    """Those of the documents that come after so many."""
    for position, value in enumerate(values, number + 1):
        if value is not None:
            yield from _entry(value, f"{source}: document {position}")


def _entry(value: Any, where: str) -> Iterator[Entry]:
    """The resource of a document; none if it is an event of a watch that tells of no resource."""
    from talos_resources.codec.plain import resource_from_plain

    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict) or "type" not in value["metadata"]:
        raise DecodeError(f"is no resource (it has no metadata.type); {_EXPECTED}", source=where)
    document = dict(value)
    node, event = document.pop("node", None), document.pop("event", None)
    for key, name in (("node", node), ("event", event)):
        if isinstance(name, dict | list):
            raise DecodeError(f'"{key}" is {name!r:.40}, which is no name', source=where)
    if event in _NO_RESOURCE:
        return
    if is_taken_out(document):
        document["spec"] = REDACTED
    try:
        resource = resource_from_plain(document, source=where)
    except DecodeError as error:
        resource = _unreadable(document, error, where)
    yield Entry(None if node is None else str(node), event, resource, where)


def _unreadable(document: dict[str, Any], error: DecodeError, where: str) -> Resource[Any]:
    """The resource with its spec as it is written: one field that was made unreadable by hand does not cost the others.

    Raises:
        DecodeError: the fault is elsewhere, or in what says of which types there are.
    """
    from talos_resources.codec.goyaml.emit import dump
    from talos_resources.codec.plain import resource_from_plain

    elsewhere = any(not path.startswith("spec") for path, _ in error.faults)
    if elsewhere or str(document["metadata"]["type"]).endswith(".meta.cosi.dev"):
        raise error
    try:
        given = document.get("spec")
        yaml = given.yaml if isinstance(given, UntypedSpec) else dump(given)
    except TypeError:
        raise error from None
    reason = "; ".join(f"{path}: {text}" for path, text in error.faults)
    return resource_from_plain({**document, "spec": UnreadableSpec(yaml=yaml, reason=reason)}, source=where)


def _from_wire(entries: list[Any], source: str) -> Iterator[Entry]:
    from talos_resources.codec.wire import resource_as_it_is

    for number, entry in enumerate(entries, 1):
        where = f"{source}: entry {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("wire"), str):
            raise DecodeError('has no "wire"; a *.wire.json file lists {namespace, type, id, wire}', source=where)
        try:
            resource = resource_as_it_is(base64.b64decode(entry["wire"], validate=True))
        except ValueError as error:  # binascii.Error, or text that is not ASCII
            raise DecodeError(f'"wire" is not base64: {error}', source=where) from None
        except DecodeError as error:
            raise DecodeError(error.text, path=error.path, source=where, faults=error.faults) from None
        stated = {key: entry[key] for key in ("namespace", "type", "id") if key in entry}
        for key, value in stated.items():
            if value != getattr(resource, key):
                raise DecodeError(f"says {key} {value!r}, its bytes say {getattr(resource, key)!r}", source=where)
        node = entry.get("node")
        if node is not None and not isinstance(node, str):
            raise DecodeError(f'"node" is {node!r:.40}, which is no text', source=where)
        yield Entry(node, None, resource, where)


def parse_pasted(data: bytes, *, source: str) -> Iterator[Entry]:
    """The resources among what else a pasted text holds; see `pasted`. None, if there is none or it is no text.

    What cannot be read is named as such; of a resource that is there twice the later one counts.

    Raises:
        DecodeError: half of a character in JSON.
    """
    from talos_resources.codec.text import documents_from_yaml

    text = text_of(data)
    if text is None or "\0" in text:
        return
    held: dict[tuple[str | None, Reference], Entry] = {}
    early: list[Piece] = []
    for piece in pieces(text, lambda block: documents_from_yaml(block, source=source), source=source):
        found = list(_found(piece, next(reversed(held.values()), None), f"{source}:{piece.line}"))
        if not found and not held and _TYPE.search(piece.text):
            early.append(piece)
        _hold(held, found, piece)
    for piece in early:  # what it is like comes after it
        _hold(held, _found(piece, next(iter(held.values()), None), source), piece)
    yield from held.values()


def _hold(held: dict[tuple[str | None, Reference], Entry], found: Iterable[Entry], piece: Piece) -> None:
    for entry in found:
        node = entry.node or piece.node
        metadata = entry.resource.metadata
        key = node, Reference(metadata.namespace, metadata.type, metadata.id)
        held.pop(key, None)
        held[key] = entry._replace(node=node)


def _found(piece: Piece, before: Entry | None, where: str) -> Iterator[Entry]:
    """The resource of a piece; of one that cannot be read that there is one, of a type like the one before it."""
    with suppress(DecodeError):
        found = list(_entry(piece.value, where)) if piece.value is not None else []
        if piece.value is not None and all(entry.resource.id for entry in found):
            yield from found
            return
    node, kind = _NODE.search(piece.text), _TYPE.search(piece.text)
    if before is not None and before.resource.type.startswith(kind[1] if kind else ""):
        yield unread(before, node[1] if node else before.node, f"line-{piece.line}")


def unread(like: Entry, node: str | None, id: str) -> Entry:
    """That there is a resource which cannot be read, of the type of another one."""
    resource = like.resource.with_metadata(id=id).with_spec(UnreadableSpec(yaml="", reason="it is cut short or broken"))
    return Entry(node, None, resource, like.where)


def by_node(entries: Iterable[Entry]) -> dict[str | None, list[Resource[Any]]]:
    """As `collected`, with a definition for every type."""
    return {node: defined(resources) for node, resources in collected(entries).items()}


def collected(entries: Iterable[Entry]) -> dict[str | None, list[Resource[Any]]]:
    """What each node holds in the end.

    Events of a watch are applied in order; of two looks at one node the later one counts.

    Raises:
        DecodeError: two entries that are no events have the same identity and version.
    """
    nodes: dict[str | None, dict[Reference, Entry]] = {}
    for entry in entries:
        held = nodes.setdefault(entry.node, {})
        metadata = entry.resource.metadata
        key = Reference(metadata.namespace, metadata.type, metadata.id)
        if entry.event == "destroyed":
            held.pop(key, None)
            continue
        if entry.event is None and key in held and held[key].resource.version == entry.resource.version:
            raise DecodeError(
                f"{metadata.type}({metadata.namespace}/{metadata.id}) was there before: {held[key].where}", source=entry.where
            )
        held[key] = entry
    return {node: [entry.resource for entry in held.values()] for node, held in nodes.items()}
