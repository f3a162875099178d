"""Makes the packaged field tables from the JSON form in which they were extracted from Talos.

`python -m talos_resources.machineconfig.schema.compile tests/data/config` reads `fields-VERSION.json.xz` of
a folder and writes fields-VERSION.txt of this package; with `--check` it only says which are not current.
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from talos_resources.machineconfig.schema.table import TABLES, fields_file
from talos_resources.releases.v1_13 import V1_13

_Table = dict[str, dict[str, dict[str, Any]]]

_NARROWED: Final = {("v1alpha1.ClusterInlineManifest", "contents"): "manifest"}
"""Fields that are read by a rule of their own, although Talos declares a plain string."""

_DERIVED: Final = "1.13"
"""Nobody extracted this one: it is the table before it with what the release is known to have added."""

_ADDED: Final = (("v1alpha1.KubeSpanFilters", "excludeAdvertisedNetworks"), ("v1alpha1.FlannelCNIConfig", "kubeNetworkPoliciesEnabled"))
"""Fields of types that were there before. Source: read from the source of Talos v1.13.9, as are its kinds."""

_ARGUMENTS: Final = ("map[string]string", "meta.Args")
"""What `extraArgs` were and have become in v1.13: an argument may have several values."""

HEADER: Final = "# Made by `python -m talos_resources.machineconfig.schema.compile tests/data/config`; do not edit.\n"


def compile_table(table: _Table, *, kinds: dict[str, str]) -> str:
    """The compact form: a line for each type that documents use, then a line for each of its fields.

    A type is `package.Type [= alias] [: Kind [controlplane]]`, a field ` key type [flags]`, with a dot for
    the key of an embedded type.

    Args:
        table: package → type → {"fields": [{"key", "type", "omitempty", "merge", "inline"}]} or {"alias"},
            perhaps with {"kind", "controlplane_only"}.
        kinds: type → kind of document, for a table that does not say it.
    """
    types = {f"{package}.{name}": entry for package, entries in table.items() for name, entry in entries.items()}
    lines: list[str] = []
    for name in sorted(_used(types, {"v1alpha1.Config", *kinds})):
        entry = types[name]
        kind = f" : {kinds[name]}" if name in kinds else ""
        only = " controlplane" if entry.get("controlplane_only") else ""
        alias = f" = {entry['alias']}" if entry.get("alias") else ""
        lines.append(f"{name}{alias}{kind}{only}")
        for field in () if alias else entry.get("fields", ()):
            flags = [flag for flag in ("omitempty", "inline") if field.get(flag)]
            flags += [field["merge"]] if "merge" in field else []
            declared = str(_NARROWED.get((name, field["key"]), field["type"]))
            lines.append(" ".join(["", field["key"] or ".", declared, *flags]))
    return HEADER + "\n".join(lines) + "\n"


def _used(types: dict[str, dict[str, Any]], roots: set[str]) -> set[str]:
    """The declared types that the roots lead to."""
    found: set[str] = set()
    pending = [name for name in roots if name in types]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        package = name.partition(".")[0]
        entry = types[name]
        for text in (entry.get("alias"), *(field["type"] for field in entry.get("fields", ()))):
            bare = (text or "").replace("map[string]", "").lstrip("*[]")
            below = bare if "." in bare else f"{package}.{bare}"
            if below in types:
                pending.append(below)
    return found


def compiled(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each packaged file and what it should hold, from the extracted tables in a folder."""
    tables: dict[str, _Table] = {
        version: json.loads(lzma.decompress((folder / f"fields-{version}.json.xz").read_bytes()))
        for version in TABLES
        if version != _DERIVED
    }
    newest = tables[TABLES[-1]]
    tables[_DERIVED] = _between(tables[TABLES[0]], newest)
    # Only the newest table says which types are documents; their names have not changed.
    kinds = {
        f"{package}.{name}": entry["kind"] for package, entries in newest.items() for name, entry in entries.items() if "kind" in entry
    }
    for version, table in tables.items():
        known = {name: kind for name, kind in kinds.items() if name.partition(".")[2] in table.get(name.partition(".")[0], {})}
        if version == _DERIVED:
            known = {name: kind for name, kind in known.items() if kind in V1_13.document_kinds}
        yield fields_file(version), compile_table(table, kinds=known)


def _between(older: _Table, newer: _Table) -> _Table:
    """The table of v1.13: types of the older one stay as they are, those that only the newer one has are there for its kinds."""
    table: _Table = {package: dict(newer.get(package, {})) | dict(older.get(package, {})) for package in {*older, *newer}}
    for name, key in _ADDED:
        package, _, short = name.partition(".")
        fields = [field for field in newer[package][short]["fields"] if field["key"] == key]
        table[package][short] = {**table[package][short], "fields": [*table[package][short]["fields"], *fields]}
    before, now = _ARGUMENTS
    for name, entry in table["v1alpha1"].items():
        fields = entry.get("fields", [])
        if any((field["key"], field["type"]) == ("extraArgs", before) for field in fields):
            written = [{**field, "type": now} if field["key"] == "extraArgs" else field for field in fields]
            table["v1alpha1"][name] = {**entry, "fields": written}
    return table


def main(arguments: list[str]) -> int:
    """Writes the files, or says which are not current; see the module."""
    check = "--check" in arguments
    stale = 0
    for path, text in compiled(Path(next(argument for argument in arguments if argument != "--check"))):
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        if check:
            sys.stdout.write(f"{path.name} is not current\n")
        else:
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
