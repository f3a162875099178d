"""Expressions: what is right, what is refused, and that nothing takes long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.machineconfig.cel import DISK, LINK, OUT_OF_MEMORY, VOLUME, Scope, fault_of


@pytest.mark.parametrize(
    "text",
    [
        "true",
        'disk.dev_path == "/dev/sda"',
        "disk.transport == 'nvme' && disk.size > 10u * GiB",
        "disk.size >= 100u * GB && disk.size < 1u * TB || disk.model in ['a', 'b']",
        "!disk.rotational && !system_disk",
        "disk.size > 1u ? true : disk.cdrom",
        'glob("/dev/nvme*", disk.dev_path) || "/dev/x" in disk.symlinks',
        'disk.symlinks.exists(s, s.startsWith("/dev/disk/by-id"))',
        "disk.symlinks.filter(s, s.contains('x')).size() == 1",
        r"disk.serial.matches(r'^\d+$') // only digits",
        "size(disk.model) > 3 && has(disk.uuid)",
        "disk.symlinks[0] == '''x'''",
        "-1 < 2 && 1.5 > .5",
        "disk.size > --1u && !!disk.cdrom",  # two signs take each other away
        "disk.model in [] + disk.symlinks + ['a']",
        "[1, 'a'].exists(x, x == 1) && 'a' in {'a': 1} && {'a': 1}.size() == 1 && {'a': true}['a']",
        "timestamp(5) - timestamp(0) > duration('1h') - duration('1m') && duration('1h') + timestamp(0) > timestamp(0)",
        "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp(0) && type(1) == type(2) && type(disk.size) == uint",
    ],
)
def test_what_chooses_a_disk(text: str) -> None:
    assert fault_of(text, DISK) == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("disk.size >", "the expression ends too early (column 12)"),
        ("disk.size", "expression output type is uint, expected bool"),
        ("disk.nope == 1", "undefined field 'nope' (column 6)"),
        ("volume.size > 1u", "undeclared reference to 'volume' (column 1)"),
        ("disk.size > 10", "no matching overload for '>' applied to (uint, int) (column 11)"),
        ("nope(disk.model)", "undeclared reference to 'nope' (column 1)"),
        ("disk.model.nope()", "undeclared reference to 'nope' (column 12)"),
        ("glob('a')", "no matching overload for 'glob' applied to (string) (column 1)"),
        ("disk.size && true", "what && joins has to be bool, this is uint (column 11)"),
        ("!disk.size", "what is negated has to be bool, this is uint (column 1)"),
        ("-disk.size > 1u", "there is no minus of uint (column 1)"),
        ("disk.size ? true : false", "a condition has to be bool, this is uint (column 11)"),
        ("true ? 1 : 'a'", "no matching overload for '?' applied to (int, string) (column 6)"),
        ("'a' - 'b' == 'c'", "no matching overload for '-' applied to (string, string) (column 5)"),
        ("disk.model[0] == 'a'", "string has no positions (column 11)"),
        ("disk.symlinks.all(s, s == 1)", "no matching overload for '==' applied to (string, int) (column 24)"),
        ("true false", "unexpected 'false' (column 6)"),
        ("{'a': 1}", "expression output type is map, expected bool"),
        ("!{'a': 1}", "what is negated has to be bool, this is map (column 1)"),
        ("duration('1h')", "expression output type is duration, expected bool"),
        ("1u + duration('1h') > 2u", "no matching overload for '+' applied to (uint, duration) (column 4)"),
        ("timestamp(0) + timestamp(1) > timestamp(2)", "no matching overload for '+' applied to (timestamp, timestamp) (column 14)"),
        ("duration('1h') - timestamp(0) > timestamp(2)", "no matching overload for '-' applied to (duration, timestamp) (column 16)"),
        ("['a'] + [1] == []", "no matching overload for '+' applied to (string, int) (column 7)"),
        ("(true", "the expression ends too early where ')' belongs (column 6)"),
        ("'open", 'unexpected "\'" (column 1)'),
        ("$x", "unexpected '$' (column 1)"),
    ],
)
def test_what_is_refused_says_where(text: str, fault: str) -> None:
    assert fault_of(text, DISK) == fault


def test_scopes_know_their_variables() -> None:
    assert fault_of('volume.partition_label == "x" && disk.size > 1u', VOLUME) == ""
    assert fault_of('mac(link.permanent_addr) == "aa:bb" && link.driver == "e1000"', LINK) == ""
    assert fault_of("link.name == 'eth0'", LINK) == "undefined field 'name' (column 6)"  # the name is the id of a link, not a field
    assert fault_of("disk.size > 1u", LINK) == "undeclared reference to 'disk' (column 1)"
    ranking = "(memory_max.hasValue() ? 0.0 : {Besteffort: 1.0, System: 0.0}[class] * double(memory_current.orValue(0u))) > 1.0"
    assert fault_of(ranking, OUT_OF_MEMORY) == ""
    assert fault_of("{System 8.0}", OUT_OF_MEMORY) == "unexpected '8.0' where ':' belongs (column 9)"
    assert fault_of("memory_full_avg10 > 12.0 && time_since_trigger > duration('500ms')", OUT_OF_MEMORY) == ""


@pytest.mark.parametrize(
    "text", ["(" * 5000, "!" * 5000 + "true", "[" * 5000, "true ? " * 5000, "a." * 30_000, "x" * 100_000, "1 + " * 10_000]
)
def test_hostile_expressions_are_refused_quickly(text: str) -> None:
    assert fault_of(text, DISK) != ""


@given(
    st.text(st.sampled_from("disk.size model()[]{}'\"\\&|!=<>?:,+-*/% 10ux\n"), max_size=60),
    st.sampled_from([DISK, VOLUME, LINK, OUT_OF_MEMORY]),
)
def test_every_text_has_an_answer(text: str, scope: Scope) -> None:
    assert isinstance(fault_of(text, scope), str)
