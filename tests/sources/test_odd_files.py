"""Files that are no good: one line for each, by every command, and never a traceback."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from talos_resources.cli.main import main
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.resource import Resource
from talos_resources.resources import Member

MEMBER = Resource.new(Member(hostname="h"), id="a")
DIGITS = "9" * 5000
DOCUMENT = {
    "metadata": {"namespace": "cluster", "type": MEMBER.type, "id": "a", "version": 1, "phase": "running"},
    "spec": {"hostname": "h"},
}


def entry(**changed: Any) -> str:
    wire = base64.b64encode(resource_to_wire(MEMBER)).decode()
    return json.dumps([{"namespace": MEMBER.namespace, "type": MEMBER.type, "id": MEMBER.id, "wire": wire, **changed}])


TEXTS = {
    **{f"node {node!r}.wire.json": entry(node=node) for node in (5, True, ["a"], {"a": 1})},
    **{f"id {value!r}.wire.json": entry(id=value) for value in (5, None, ["a"], "\ud800")},
    "wire.wire.json": entry(wire=5),
    "digits.wire.json": f'[{{"node": {DIGITS}}}]',
    "digits.json": json.dumps(DOCUMENT).replace('"version": 1', f'"version": {DIGITS}'),
    "node.json": json.dumps({**DOCUMENT, "node": ["a"]}),
    "event.json": json.dumps({**DOCUMENT, "event": {"a": 1}}),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("command", ["get members -o yaml", "doctor", "mesh", "dump --to -"])
def test_texts(name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / name
    file.write_text(TEXTS[name])
    assert main([*command.split(), "--from", str(file)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def packed(method: int) -> bytearray:
    import io

    buffer = io.BytesIO()
    with ZipFile(buffer, "w", method) as archive:
        archive.writestr("n/resources/members.cluster.talos.dev.yaml", b"node: n\n" * 100)
    return bytearray(buffer.getvalue())


def _set(data: bytearray, local: int | None, central: int, value: int) -> bytearray:
    """Changes two bytes of both headers of the member."""
    for place in (local, data.index(b"PK\1\2") + central):
        if place is not None:
            data[place : place + 2] = struct.pack("<H", value)
    return data


def _damaged(method: int) -> bytearray:
    data = packed(method)
    data[84:100] = b"\xff" * 16
    return data


def _end(data: bytearray, place: int, value: bytes) -> bytearray:
    begin = data.index(b"PK\5\6") + place
    data[begin : begin + len(value)] = value
    return data


ARCHIVES: dict[str, Callable[[], bytearray]] = {
    "of a later version": lambda: _set(packed(ZIP_DEFLATED), 4, 6, 99),
    "of an unknown method": lambda: _set(packed(ZIP_DEFLATED), 8, 10, 99),
    "with a password": lambda: _set(packed(ZIP_DEFLATED), 6, 8, 1),
    "encrypted strongly": lambda: _set(packed(ZIP_DEFLATED), 6, 8, 0x41),
    "damaged deflate": lambda: _damaged(ZIP_DEFLATED),
    "damaged bzip2": lambda: _damaged(ZIP_BZIP2),
    "damaged lzma": lambda: _damaged(ZIP_LZMA),
    "cut short": lambda: packed(ZIP_DEFLATED)[:-10],
    "whose directory is elsewhere": lambda: _end(packed(ZIP_DEFLATED), 16, b"\xff\xff\xff\x7f"),
    "whose directory is longer": lambda: _end(packed(ZIP_DEFLATED), 12, b"\xff\xff\xff\x7f"),
}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("command", ["get members", "dump --to -"])
def test_archives(name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "archive.zip"
    file.write_bytes(ARCHIVES[name]())
    assert main([*command.split(), "--from", str(file)]) == 1
    *notes, error = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert [note.startswith("note: n: the archive is cut short") for note in notes] == [True] * (name == "cut short")


SECRETS = ["*HIDDEN", "!!int HIDDEN", "!!float HIDDEN", "!!binary HIDDEN", "!HIDDEN x", "&HIDDEN [1]", '"HIDDEN', "[HIDDEN]", "{HIDDEN: 1}"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["machine: {token: %s}", "cluster: {secret: %s}", "cluster: {aescbcEncryptionSecret: %s}"])
def test_no_error_shows_a_secret(place: str, secret: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "patch.yaml", tmp_path / "out.yaml"
    file.write_text(place % secret)
    for command in (
        ["machineconfig", "patch", str(file), "-p", f"@{file}", "-o", str(out)],
        ["machineconfig", "patch", str(file), "-p", f"@{file}", "-o", str(out), "--keep-comments"],
        ["machineconfig", "migrate", str(file), "-o", str(out)],
        ["validate", str(file), "--mode", "metal"],
        ["gen", "secrets", "--from-controlplane-config", str(file), "-o", str(out), "--force"],
    ):
        main(command)
        assert "HIDDEN" not in capsys.readouterr().err
