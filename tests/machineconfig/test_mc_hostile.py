"""Input that wants to break the reader: it is refused in one clear error with the line, and quickly."""

from __future__ import annotations

import tracemalloc

import pytest

from talos_resources.machineconfig.comments import patch_in_place
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.patch.apply import patch_text
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.model.errors import ConfigError, DecodeError

_LAUGHS = "machine:\n  pods:\n    - a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"    - {chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 9)}]\n" for level in range(9)
)

HOSTILE: dict[str, tuple[str | bytes, str, int]] = {
    "anchors that explode": (_LAUGHS, "too many values", 8),
    "an anchor inside of itself": ("machine:\n  pods: &a [*a]\n", "contains itself", 2),
    "an alias of nothing": ("machine:\n  pods: *nope\n", "names no anchor", 2),
    "deep flow nesting": ("machine:\n  pods: " + "[" * 100_000, "nested deeper", 2),
    "deep block nesting": ("".join("  " * level + "a:\n" for level in range(300)), "nested deeper", 201),
    "a huge number": ("machine:\n  network:\n    kubespan:\n      mtu: " + "9" * 100_000, "is not an integer", 4),
    "a huge float": ("machine:\n  network:\n    kubespan:\n      mtu: 1e999999999", "is not an integer", 4),
    "a huge hexadecimal": ("machine:\n  network:\n    kubespan:\n      mtu: 0x" + "f" * 100_000, "is not an integer", 4),
    "a tab": ("machine:\n\ttype: worker\n", "cannot start any token", 2),
    "a control character": ("machine:\n  type: a\x07b\n", "control characters", 2),
    "duplicate keys": ("machine:\n  type: worker\n  token: a\n  type: worker\n", "already defined at line 2", 4),
    "duplicate keys in free form": ("machine:\n  kubelet:\n    extraConfig:\n      a: 1\n      a: 2\n", "already defined at line 4", 5),
    "a second main document": ("machine: {}\n---\ncluster: {}\n", "a second document", 3),
    "no UTF-8": (b"machine:\n  type: \xff\n", "not valid UTF-8", 2),
    "an unfinished document": ("machine: {type: worker\n", "not YAML", 2),
    "a list": ("- a\n", "expected a configuration document", 1),
    "a merge of a list": ("machine:\n  nodeLabels:\n    <<: [{a: b}]\n", "merge key of a list", 3),
    "a merge into a section": ("machine:\n  <<: {type: worker}\n", "merge key is refused in a section", 2),
    "a merge of a scalar": ("machine:\n  nodeLabels:\n    <<: x\n", "map merge", 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_with_its_line(name: str) -> None:
    text, reason, line = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError) as caught:
            MachineConfig.load(text, source="evil.yaml")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert reason in caught.value.message
    assert f"evil.yaml:{line}" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_no_patch_either(name: str) -> None:
    text, _, _ = HOSTILE[name]
    with pytest.raises((ConfigError, DecodeError)):
        patch_in_place(text, [parse_patch("machine: {type: worker}\n")])
    if name == "a second main document":
        return  # a patch may have several parts
    with pytest.raises((ConfigError, DecodeError)):
        patch_text("machine: {type: worker}\n", [parse_patch(text)])


@pytest.mark.parametrize("name", ["\ufeff", "utf-16", "\r\n"])
def test_what_windows_makes_of_a_file_is_read(name: str) -> None:
    text = "machine:\n  type: worker\n  token: ä\n"
    data = {"\ufeff": ("\ufeff" + text).encode(), "utf-16": text.encode("utf-16"), "\r\n": text.replace("\n", "\r\n").encode()}[name]
    config = MachineConfig.load(data)
    assert config.get("machine.token") == "ä"
    patched = patch_in_place(data, [parse_patch("machine: {type: controlplane, nodeLabels: {a: b}}\n")]).text
    assert MachineConfig.load(patched).get("machine.nodeLabels") == {"a": "b"}
    assert ("\r\n" in patched) == (name == "\r\n")
    assert "\n" not in patched.replace("\r\n", "") or name != "\r\n"


def test_secrets_are_in_no_error_and_no_repr() -> None:
    secret = "abcdef.0123456789abcdef"
    with pytest.raises(DecodeError) as caught:
        MachineConfig.load(f"machine:\n  token: [{secret}]\n  ca: {{crt: '!{secret}', key: x}}\n  type: {{}}\n")
    assert secret not in str(caught.value) + repr(caught.value.faults)
    assert secret not in repr(MachineConfig.load(f"machine:\n  token: {secret}\n"))


def test_every_fault_is_reported_with_path_and_line() -> None:
    text = "machine:\n  type: {a: b}\n  certSANs: x\n  install: [1]\n  network:\n    interfaces:\n      - mtu: big\n"
    with pytest.raises(DecodeError) as caught:
        MachineConfig.load(text, source="c.yaml")
    assert caught.value.source == "c.yaml:2"
    assert [path for path, _ in caught.value.faults] == [
        "machine.type",
        "machine.certSANs",
        "machine.install",
        "machine.network.interfaces[0].mtu",
    ]
    assert all(text.startswith(f"line {line}: ") for (_, text), line in zip(caught.value.faults, (2, 3, 4, 7), strict=True))
