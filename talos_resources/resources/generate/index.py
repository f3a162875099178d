"""The list of all types: which module has the class of which, and the names that do not follow from the type."""

from __future__ import annotations

from talos_resources.resources.generate.layout import BY_HAND, PACKAGE, layout
from talos_resources.resources.generate.source import HEADER, extra_aliases
from talos_resources.resources.generate.table import table

_DOC = '''"""Every resource type: its module, the class of its spec, and the aliases that do not follow from its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
'''


def index_text() -> str:
    """The Python source of `index.py`, to be formatted yet."""
    rows, imports = [], []
    for file in layout():
        if file.type is None:
            continue
        entry = table().types[file.type]
        extra, automatic = extra_aliases(entry)
        rows.append(f'    "{entry.name}": Entry("{file.module}", "{entry.class_name}", {extra!r}, {automatic}),')
        imports.append(f"    from {PACKAGE}.{file.module} import {entry.class_name} as {entry.class_name}")
    lines = [
        HEADER + _DOC,
        "from typing import NamedTuple",
        "if TYPE_CHECKING:",
        *sorted(imports),
        "\nclass Entry(NamedTuple):",
        '    """Where the class of a type is; the aliases that are listed by hand, and whether others follow from the type."""',
        "    module: str\n    name: str\n    aliases: tuple[str, ...] = ()\n    automatic: bool = True\n",
        "GENERATED: Final = {",
        *rows,
        "}",
        '"""By type; those written by hand are in `talos_resources.resources`."""',
    ]
    assert not BY_HAND.keys() & {file.type for file in layout()}
    return "\n".join(lines) + "\n"
