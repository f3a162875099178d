"""Plans as files: a bundle, or what somebody pastes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.insight.blueprint import Doc, Plan
from tests.insight.blueprint_documents import documents

STATUSES = "KubeSpanPeerStatuses.kubespan.talos.dev"


def write(plan: Plan, folder: Path) -> None:
    """As `data.zip`: a folder for each box that was read."""
    with zipfile.ZipFile(folder / "data.zip", "w") as out:
        for box in plan.boxes:
            if box.missing:
                continue
            left_out = {*plan.drop.get(box.name, ()), *plan.drop.get("*", ())}
            for kind, docs in documents(plan, box).items():
                if kind not in left_out:
                    out.writestr(f"{box.ip}/resources/{kind.lower()}.yaml", "---\n".join(map(block, docs)))
            if box.log:
                out.writestr(f"{box.ip}/controller-runtime.log", box.log)


def paste(plan: Plan, names: tuple[str, ...], folder: Path) -> None:
    """The statuses of some boxes, as `get -n … -o yaml` prints them, as `paste.yaml`."""
    parts = [block({"node": box.ip, **doc}) for box in map(plan.of, names) for doc in documents(plan, box)[STATUSES]]
    (folder / "paste.yaml").write_text("---\n".join(parts))


def block(value: Any, indent: str = "") -> str:
    """YAML in blocks, as talosctl prints it."""
    return "".join(_lines(value, indent))


def _lines(value: Doc, indent: str) -> Iterator[str]:
    for name, item in value.items():
        if isinstance(item, dict) and item:
            yield f"{indent}{name}:\n{block(item, indent + '    ')}"
        elif isinstance(item, list | tuple) and item:
            yield f"{indent}{name}:\n"
            for each in item:
                text = block(each, indent + "      ").lstrip() if isinstance(each, dict) else f"{_scalar(each)}\n"
                yield f"{indent}    - {text}"
        else:
            yield f"{indent}{name}: {_scalar(item)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return "[]" if not isinstance(value, dict) else "{}"
    if isinstance(value, str) and (value == "" or value[0] in "[!*&{'\"" or value.isdigit() or value in {"true", "false"}):
        return f"'{value}'"
    return str(value)
