"""What Talos loses of a document when it merges a patch into it; only `--compat` does the same.

Expressions and smallest sizes are taken from the patch also where it does not set them, and a greatest
size in bytes outlives a percentage that the patch sets.

Source: Talos v1.13.3, configuration merge; observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from talos_resources.machineconfig.schema.types import Scalar, Struct

_TAKEN_AS_THEY_ARE: Final = {"cel.Expression", "block.ByteSize"}
_EITHER_FORM: Final = "block.Size"


def with_losses(kind: Struct, old: Mapping[str, Any], patch: Mapping[str, Any], merged: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a merged document as Talos leaves them.

    Args:
        kind: of the document or section.
        old: the fields before.
        patch: those of the patch.
        merged: the patch merged into the old ones.
    """
    left: dict[str, Any] = dict(merged)
    for key, field in kind.fields.items():
        both = key in old and key in patch
        if isinstance(field.type, Struct) and key in old and (both or not field.pointer):
            left[key] = with_losses(field.type, old[key], patch.get(key) or {}, merged.get(key) or {})
        elif not isinstance(field.type, Scalar) or field.pointer:
            continue
        elif field.type.name in _TAKEN_AS_THEY_ARE:
            left[key] = patch.get(key)
        elif field.type.name == _EITHER_FORM and both and patch[key].endswith("%") and old[key] and not old[key].endswith("%"):
            left[key] = old[key]
    return {key: value for key, value in left.items() if value is not None}
