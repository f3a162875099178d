"""The talosconfig in talosctl's own form, read without the YAML parser: the same, or not at all."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talos_resources.model.errors import DecodeError
from talos_resources.talosconfig.config import Context, TalosConfig
from talos_resources.talosconfig.file import save
from talos_resources.talosconfig.plain_form import read_plain_form

LINES = st.sampled_from(
    [
        "context: a",
        "context: null",
        "context: 010",
        "contexts:",
        "contexts: {}",
        "    a:",
        "    a: {}",
        "    true:",
        "    <<:",
        "    no:",
        f"    {'n' * 1025}:",
        "        endpoints:",
        "        endpoints: []",
        "        endpoints: 10.0.0.1",
        "        nodes:",
        "        ca: LS0tLS1CRUdJTg==",
        "        ca:",
        "        crt: =",
        "        key: LS0t # secret",
        "        cluster: a:b",
        "        cluster: a: b",
        "        cluster: a:",
        "        cluster: 1e3",
        "        unknown: x",
        "            - 10.0.0.1:50000",
        "            - fd00::1",
        "            - fd00::",
        "            - '::1'",
        "            - null",
        "            - - 1",
        "            -",
        "            -x",
        "            more",
        "          - 10.0.0.2",
        "        - 10.0.0.3",
        "        ",
        "# comment",
        "---",
        "...",
        "",
        "\tx: y",
        "        ca: a\x85b",
        "        ca: a\rb",
    ]
)


@settings(max_examples=500)
@given(st.lists(LINES, max_size=12), st.booleans(), st.booleans())
@example(["    a:", "        endpoints:", "            - fd00::1", "        ca: LS0tLS1CRUdJTg=="], True, True)
@example(["    a:", "    a:"], True, True)
def test_it_is_what_the_parser_reads(lines: list[str], begins: bool, ends: bool) -> None:
    text = "\n".join([*(["context: a", "contexts:"] if begins else []), *lines]) + ("\n" if ends else "")
    plain = read_plain_form(text.encode())
    if plain is not None:
        # Texts take the way of the parser.
        assert TalosConfig.parse(text.encode()) == TalosConfig.parse(text)


@pytest.mark.parametrize("current", ["admin", "x.y-1"])
def test_what_we_and_talosctl_write_is_in_the_plain_form(current: str, tmp_path: Path) -> None:
    made = Context.of(current, endpoints=["10.0.0.1", "fd00::1"], nodes=[], ca=b"CA" * 400, crt=b"CRT", key=b"KEY")
    file = tmp_path / "talosconfig"
    save(attrs.evolve(TalosConfig().with_context(made).with_current(current), path=file))
    assert read_plain_form(file.read_bytes()) is not None
    assert TalosConfig.load(file).context() == made


def test_a_fault_is_told_with_its_line() -> None:
    with pytest.raises(DecodeError, match=":4"):
        TalosConfig.parse(b"context: a\ncontexts:\n    a:\n        endpoints: 10.0.0.1\n", source="f")
