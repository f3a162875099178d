"""Files, stdin, directories and zip archives as sources."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Final

from talos_resources.codec.whole import read_whole
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.model.resource import Resource
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.cut_archive import LEAD, whole_members
from talos_resources.sources.cut_short import without_cut_end
from talos_resources.sources.documents import Entry, by_node, parse, parse_pasted
from talos_resources.sources.encrypted import is_sealed, unsealed
from talos_resources.sources.folders import NodeFolder, Reader
from talos_resources.sources.load import memory_state

STDIN: Final = "-"
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_BUNDLE_FOLDER: Final = "resources"
KUBERNETES: Final = "kubernetesResources"
"""The folder of what a bundle says of the cluster as a whole."""
_PIPE_LIMIT: Final = 512 << 20
"""The most bytes of what has no size, such as a pipe or a device."""
_FILE_LIMIT: Final = 4 << 30
"""The most bytes of a file."""
_MEMBER_LIMIT: Final = 256 << 20
"""The most bytes that one member of an archive may unpack to: a bomb must not eat the memory."""
_ARCHIVE_LIMIT: Final = 4 << 30
"""The same for all of them together, for a bomb must not take all day either."""

Members = Mapping[tuple[str, ...], Reader]
"""The files of a directory or archive: parts of the path → what reads it."""


def open_url(path: str, *, identities: Sequence[Path] = ()) -> Cluster:
    """Opens a file, a directory, a zip archive, or stdin (`-`).

    A file is read now; of a directory or archive each node's folder is read when the node is asked for.

    Args:
        path: of the file, directory or archive.
        identities: files with the keys that open it if it is encrypted with age.

    Raises:
        ConfigError: there is nothing at this path, or it cannot be read or decrypted, or it holds no data.
        DecodeError: it holds something else than resources, or it is broken.
    """
    if path == STDIN:
        return _cluster(_held(read_whole(None, largest=_PIPE_LIMIT, what="list of resources"), "stdin"), source="stdin")
    file = Path(path)
    if file.is_file():
        _check_form(file, path)  # before all of it is read: a database may have gigabytes
    if file.is_dir():
        return _tree({found.relative_to(file).parts: partial(_read, found) for found in sorted(file.rglob("*")) if found.is_file()}, path)
    data = _read(file)
    if is_sealed(data):
        data = unsealed(data, identities, source=path)
    if data.startswith(LEAD):
        members, whole = _unzipped(data, path)
        return _tree(members, path, is_cut=not whole)
    return _cluster(_held(data, path), source=path)


def _cluster(held: Mapping[str | None, Sequence[Resource[Any]]], *, source: str) -> Cluster:
    """The nodes that a file names; what names none belongs to one node without a name."""
    if not any(held.values()):
        raise DecodeError("holds no resource", source=source)
    unnamed = PurePath(source).name.partition(".")[0] or source
    return Cluster(
        {unnamed if node is None else node: partial(memory_state, resources) for node, resources in held.items()},
        source=source,
        unnamed=set(held) == {None},
    )


def _held(data: bytes, source: str) -> Mapping[str | None, Sequence[Resource[Any]]]:
    """What each node holds, as talosctl prints it, else what of it is found in a pasted text."""
    try:
        entries = without_cut_end(list(parse(data, source=source)), data)
    except DecodeError:
        held = by_node(parse_pasted(data, source=source))
        if not any(held.values()):
            raise
        return held
    return by_node(entries)


def _tree(members: Members, path: str, *, is_cut: bool = False) -> Cluster:
    """A directory or archive: one folder per node, or just files.

    In a support bundle a node's files are in its folder `resources`; where there is such a folder,
    nothing else is a node.
    """
    data = {parts: reader for parts, reader in members.items() if PurePath(parts[-1]).suffix in _SUFFIXES}
    bundle = {parts: reader for parts, reader in data.items() if len(parts) > 2 and parts[-2] == _BUNDLE_FOLDER}
    folders: dict[str, dict[str, Reader]] = {}
    for parts, reader in (bundle or data).items():
        if len(parts) > 1:
            folder = parts[-3] if bundle else parts[-2]
            folders.setdefault(folder, {})["/".join((path.rstrip("/"), *parts))] = reader
    if folders:
        texts = _texts(members, folders) if bundle else {}
        common = texts.pop("", {})
        nodes = {
            node: NodeFolder(files, texts.get(node, {}), common, is_bundle=bool(bundle), is_cut=is_cut) for node, files in folders.items()
        }
        return Cluster({node: folder.state for node, folder in nodes.items()}, source=path, folders=nodes, at_once=1)
    if not data:
        what = f"{path} is cut short, and what is left of it" if is_cut else path
        raise ConfigError(f"{what} holds no *.yaml or *.json file; expected one folder per node, as in a support bundle")
    files = {f"{path.rstrip('/')}/{parts[0]}": reader for parts, reader in data.items()}
    return _cluster(by_node(_entries(files)), source=path)


def _texts(members: Members, folders: Mapping[str, Any]) -> dict[str, dict[str, Reader]]:
    """The files beside the resources of each node of a bundle, by their path in its folder; under "" those of no node."""
    found: dict[str, dict[str, Reader]] = {}
    for parts, reader in members.items():
        at = next((index for index, part in enumerate(parts[:-1]) if part in folders), None)
        if at is not None and parts[at + 1] != _BUNDLE_FOLDER:
            found.setdefault(parts[at], {})["/".join(parts[at + 1 :])] = reader
        elif KUBERNETES in parts[:-1]:
            found.setdefault("", {})["/".join(parts[parts.index(KUBERNETES) :])] = reader
    return found


def _entries(files: Mapping[str, Reader]) -> Iterator[Entry]:
    for name, reader in files.items():
        yield from parse(reader(), source=name)


def _read(file: Path) -> bytes:
    try:
        return read_whole(file, largest=_FILE_LIMIT if file.is_file() else _PIPE_LIMIT, what="source")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from None


_OTHER_FORMS: Final = {
    b"SQLite format 3\0": "it is a SQLite database; use --from sqlite:{path}",
    b"\x1f\x8b": "it is compressed by gzip; unpack it first, and name the file or folder that comes out",
    b"BZh": "it is compressed by bzip2; unpack it first, and name the file or folder that comes out",
    b"\xfd7zXZ\0": "it is compressed by xz; unpack it first, and name the file or folder that comes out",
    b"\x28\xb5\x2f\xfd": "it is compressed by zstd; unpack it first, and name the file or folder that comes out",
    b"7z\xbc\xaf\x27\x1c": "it is an archive of 7-Zip; unpack it first, and name the folder",
}
"""How files begin that people may take for a source, and what to do with them."""
_TAR: Final = b"ustar"
_TAR_AT: Final = 257


def _check_form(file: Path, path: str) -> None:
    """Raises DecodeError if a file is of a form that is not read from here."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_TAR_AT + len(_TAR))
    except OSError:
        return  # which reading it tells
    found = next((text for start, text in _OTHER_FORMS.items() if head.startswith(start)), None)
    if head[_TAR_AT:] == _TAR:
        found = "it is an archive of tar; unpack it first, and name the folder"
    if found is not None:
        raise DecodeError(found.format(path=path), source=path)


def _unzipped(data: bytes, file: str) -> tuple[Members, bool]:
    """The members of an archive, and whether these are all: of one that is cut short those that are whole count."""
    import lzma
    import struct
    import zlib
    from zipfile import BadZipFile, ZipFile, is_zipfile

    # What the library raises for archives that are damaged, encrypted, or of a method or version that it does not know.
    faults = (BadZipFile, RuntimeError, EOFError, OSError, ValueError, OverflowError, zlib.error, lzma.LZMAError, struct.error)
    try:
        archive = ZipFile(io.BytesIO(data))
    except faults as error:
        # One that has its end is damaged in another way, or is none that we can read.
        if not is_zipfile(io.BytesIO(data)) and (found := whole_members(data, largest=_ARCHIVE_LIMIT, largest_member=_MEMBER_LIMIT)):
            return _by_path(found), False
        raise DecodeError(f"broken zip archive: {error}", source=file) from None

    if sum(member.file_size for member in archive.infolist()) > _ARCHIVE_LIMIT:
        raise DecodeError(f"unpacks to more than {_ARCHIVE_LIMIT >> 30} GiB in all", source=file)

    def read(name: str) -> bytes:
        if archive.getinfo(name).file_size > _MEMBER_LIMIT:
            raise DecodeError(f"unpacks to more than {_MEMBER_LIMIT >> 20} MiB", source=f"{file}/{name}")
        try:
            return archive.read(name)
        except faults as error:
            raise DecodeError(f"cannot be unpacked: {error}", source=f"{file}/{name}") from None

    return _by_path({name: partial(read, name) for name in archive.namelist()}), True


def _by_path(members: Mapping[str, Reader]) -> Members:
    """Without directories, and without members whose name is no path."""
    return {parts: reader for name, reader in members.items() if not name.endswith("/") and (parts := PurePath(name).parts)}
