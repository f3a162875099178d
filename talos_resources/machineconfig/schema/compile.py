"""Makes the packaged field table from the JSON form in which it was extracted from Talos.

`python -m talos_resources.machineconfig.schema.compile machineconfig-fields.json` rewrites fields.txt.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from talos_resources.machineconfig.schema.table import FIELDS_FILE

_NARROWED = {("ClusterInlineManifest", "contents"): "manifest"}
"""Fields that are read by a rule of their own, although Talos declares a plain string."""


def compile_table(table: dict[str, dict[str, Any]]) -> str:
    """The compact form: a line `package.Type [= alias]` for each type, then ` key type [flags]` for each field.

    Args:
        table: package → type → {"fields": [{"key", "type", "omitempty", "merge", "inline"}]} or {"alias"}.
    """
    lines: list[str] = []
    for package, types in sorted(table.items()):
        for name, entry in sorted(types.items()):
            alias = entry.get("alias")
            lines.append(f"{package}.{name} = {alias}" if alias else f"{package}.{name}")
            for field in entry.get("fields", ()):
                flags = [flag for flag in ("omitempty", "inline") if field.get(flag)]
                flags += [field["merge"]] if "merge" in field else []
                declared = _NARROWED.get((name, field["key"]), field["type"])
                lines.append(" ".join(["", field["key"] or ".", declared, *flags]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FIELDS_FILE.write_text(compile_table(json.loads(Path(sys.argv[1]).read_text())))
