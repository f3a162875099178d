"""Resources of some nodes → folders, or an archive of them, laid out as a support bundle."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from talos_resources.model.resource import Resource
from talos_resources.rpc.pki.private_file import folder_for_files, write_private
from talos_resources.sources.folders import Reader, file_stem

Contents = Mapping[str, Sequence[Resource[Any]]]
"""Node → what to write of it."""

Beside = Mapping[str, Mapping[str, Reader]]
"""Node → the files beside its resources, by their path in its folder; under "" those of no node, with the whole path."""

NOTHING_BESIDE: Final[Beside] = {}

_NO_TIME: Final = (1980, 0, 0, 0, 0, 0)
"""What talosctl writes into zip headers."""


def is_occupied(path: Path) -> bool:
    """Whether something is where a directory is to be written; an empty one may be there, also with what a killed dump left."""
    return path.exists() and (not path.is_dir() or any(not found.name.startswith(_part_prefix(path)) for found in path.iterdir()))


def _part_prefix(path: Path) -> str:
    return f".{path.name}."


def write_folders(path: Path, contents: Contents, beside: Beside = NOTHING_BESIDE) -> None:
    """All folders or none: they are written elsewhere on the same disk first."""
    if is_occupied(path):
        raise FileExistsError
    with folder_for_files(path.parent):
        _write_folders(path, _bundle(contents, beside))


def _write_folders(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    is_there = path.exists()  # it may be where a disk is mounted, and cannot be replaced
    moved: list[Path] = []
    part = Path(tempfile.mkdtemp(dir=path if is_there else path.parent, prefix=_part_prefix(path)))
    try:
        for name, data in files:
            write_private(part / name, data)
        if is_there:
            moved.extend(folder.rename(path / folder.name) for folder in part.iterdir())
            part.rmdir()
        else:
            part.rename(path)
    except BaseException:
        for folder in (part, *moved):
            shutil.rmtree(folder, ignore_errors=True)
        raise


class _Stream(io.BytesIO):
    """Says that it cannot seek: so sizes and checksums stand behind the data, where talosctl has them."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        raise io.UnsupportedOperation


def zipped(contents: Contents, beside: Beside = NOTHING_BESIDE) -> bytes:
    """The bytes of a support bundle."""
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    buffer = _Stream()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, data in _bundle(contents, beside):
            archive.writestr(ZipInfo(name, _NO_TIME), data, ZIP_DEFLATED)
    return buffer.getvalue()


def _bundle(contents: Contents, beside: Beside) -> Iterator[tuple[str, bytes]]:
    """Path and contents of each file, laid out and in the order as `talosctl support` does it: NODE/resources/TYPE.yaml."""
    for path, reader in beside.get("", {}).items():
        yield path, reader()
    taken: set[str] = set()
    for node, resources in contents.items():
        folder = _folder_name(node, taken)
        taken.add(folder)
        files: dict[str, list[Resource[Any]]] = {}
        for resource in resources:
            files.setdefault(file_stem(resource.type), []).append(resource)
        others = beside.get(node, {})
        yield from ((f"{folder}/{path}", reader()) for path, reader in others.items() if "/" not in path)
        for name, group in files.items():
            yield f"{folder}/resources/{name}.yaml", documents((resource, {}) for resource in group).encode()
        yield from ((f"{folder}/{path}", reader()) for path, reader in others.items() if "/" in path)


def _folder_name(node: str, taken: Collection[str]) -> str:
    """What the folder of a node is called: a node behind a socket has the socket's path for a name."""
    name = re.sub(r"[/\\\0]+", "_", node.removeprefix("unix:")).strip("_.") or "node"
    return next(free for number in range(1, len(taken) + 2) if (free := name if number == 1 else f"{name}-{number}") not in taken)


def documents(resources: Iterator[tuple[Resource[Any], dict[str, str]]]) -> str:
    """Resources as YAML documents, each with what is to stand before its metadata."""
    from talos_resources.codec.text import resource_to_yaml

    return "---\n".join(resource_to_yaml(resource, head=head) for resource, head in resources)
