"""talosconfig files: what is read, what an edit changes, and what it leaves alone."""

from __future__ import annotations

import pickle
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.talosconfig.config import Context, TalosConfig, default_path
from talos_resources.talosconfig.file import load_or_empty, render, save

COMMENTED = """\
# which cluster
context: 0123   # the old one
x-team: infra
contexts:
  # made by hand
  0123:
    endpoints: [10.0.0.1, "10.0.0.2"]   # both racks
    region: eu   # talosctl does not know this
    ca: Y2E=
    target: 10.0.0.9
  prod:
    endpoints:
    - https://a.example.org
    nodes: []
"""


def test_scalars_keep_their_text_and_the_old_target_is_an_endpoint() -> None:
    config = TalosConfig.parse("context: 0123\ncontexts:\n  0123: {endpoints: [1e3, no], target: t, nodes: ~}\n")
    context = config.context()
    assert (context.name, context.endpoints, context.nodes) == ("0123", ("1e3", "no", "t"), ())


def test_merge_keys_and_anchors_are_understood() -> None:
    config = TalosConfig.parse("contexts:\n  a: &a {endpoints: [x], nodes: [n]}\n  b:\n    <<: *a\n    nodes: [m]\n")
    assert config.context("b") == Context(name="b", endpoints=("x",), nodes=("m",))


def test_certificates_are_decoded_and_never_shown() -> None:
    context = Context.of("a", ca=b"CA\n", crt=b"CRT\n", key=b"very secret\n")
    assert (context.ca, context.crt, context.key) == (b"CA\n", b"CRT\n", b"very secret\n")
    assert "secret" not in repr(context)
    assert context.key_base64 not in repr(TalosConfig(contexts={"a": context}))
    assert pickle.loads(pickle.dumps(context)) == context
    assert Context(name="a").key is None


def test_broken_base64_is_named_but_not_shown() -> None:
    with pytest.raises(ConfigError, match='key of context "a" is illegal base64') as caught:
        _ = Context(name="a", key_base64="%%secret").key
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "EOF"),
        ("context: [", "talosconfig:2: not YAML"),
        ("contexts: [a]", "talosconfig:1: a mapping belongs here"),
        ("contexts:\n  a:\n    endpoints: x", "talosconfig:3: a sequence belongs here"),
        ("contexts:\n  a:\n    ca: {b: c}", "talosconfig:3: a scalar belongs here"),
        ("context: a\ncontext: b", "talosconfig:2: .*context"),
        ("- a", "a mapping belongs here"),
    ],
)
def test_faults_name_the_line(text: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        TalosConfig.parse(text)


def bomb(line: str) -> str:
    """Ten aliases of ten aliases of …, in a file of a thousand characters."""
    levels = [line.format(f"a{level}", ", ".join([f"*a{level - 1}"] * 10)) for level in range(1, 9)]
    return "\n".join(["a0: &a0 {endpoints: [x]}", *levels, "contexts: {b: *a8}"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb("{0}: &{0} [{1}]"), "aliases expand"),
        (bomb("{0}: &{0} {{<<: [{1}]}}"), "aliases expand"),
        ("contexts: " + "[" * 100_000, "nested deeper"),
        ("context: \x00", "not YAML"),
        ("contexts:\n\ta: {}", "talosconfig:2: not YAML"),
        ("contexts: {a: {endpoints: [&a [*a]]}}", "contains itself"),
    ],
)
def test_hostile_files_are_refused_quickly(text: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        TalosConfig.parse(text)


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(DecodeError, match=r"talosconfig:2: .*UTF-8"):
        TalosConfig.parse(b"context: a\nb: \xff\n")


def test_a_context_that_is_not_there_is_named_with_those_that_are() -> None:
    config = TalosConfig.parse("context: c\ncontexts: {a: {}, b: {}}")
    with pytest.raises(ConfigError, match='context "c" is not defined; it has: a, b'):
        config.context()
    with pytest.raises(ConfigError, match="no context is set"):
        TalosConfig().context()


def test_the_default_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TALOSCONFIG", raising=False)
    assert default_path() == tmp_path / ".talos" / "config"
    with pytest.raises(ConfigError, match=r"no talosconfig at .*TALOSCONFIG"):
        TalosConfig.load()
    monkeypatch.setenv("TALOSCONFIG", str(tmp_path / "tc"))
    assert default_path() == tmp_path / "tc"


def test_saving_is_private_and_follows_links(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("context: ''\n")
    real.chmod(0o644)
    link = tmp_path / "config"
    link.symlink_to(real)
    config = TalosConfig.load(link).with_context(Context(name="a"))
    save(config)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert TalosConfig.load(real).context("a") == Context(name="a")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(COMMENTED.replace("\n", "\r\n").encode())
    save(TalosConfig.load(path).with_current("prod"))
    assert path.read_bytes() == COMMENTED.replace("context: 0123", "context: prod").replace("\n", "\r\n").encode()


def test_a_missing_file_is_made_when_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    config = load_or_empty(path)
    assert config.contexts == {}
    assert not path.parent.exists()
    save(config)
    assert path.read_text() == 'context: ""\ncontexts: {}\n'
    assert path.stat().st_mode & 0o777 == 0o600


def edited(text: str, change: object) -> str:
    assert callable(change)
    return render(change(TalosConfig.parse(text)), before=text)


def test_an_edit_leaves_comments_unknown_keys_and_layout() -> None:
    text = edited(COMMENTED, lambda config: config.with_current("prod"))
    assert text == COMMENTED.replace("context: 0123   #", "context: prod   #")


def test_an_edit_of_one_context_leaves_its_other_lines() -> None:
    text = edited(COMMENTED, lambda config: config.with_context(attrs.evolve(config.context("prod"), nodes=("10.0.0.5", "123"))))
    assert text.replace('\n    nodes:\n    - 10.0.0.5\n    - "123"\n', "\n    nodes: []\n") == COMMENTED


def test_setting_endpoints_takes_the_old_target_over() -> None:
    text = edited(COMMENTED, lambda config: config.with_context(attrs.evolve(config.context(), endpoints=("10.0.0.7",))))
    assert "target" not in text
    assert "region: eu   # talosctl does not know this" in text
    assert TalosConfig.parse(text).context().endpoints == ("10.0.0.7",)


def test_contexts_come_and_go_in_a_commented_file() -> None:
    text = edited(COMMENTED, lambda config: config.without(["prod"]).with_context(Context(name="456", endpoints=("a: b",))))
    config = TalosConfig.parse(text)
    assert sorted(config.contexts) == ["0123", "456"]
    assert config.context("456").endpoints == ("a: b",)
    assert "# made by hand" in text


def test_nothing_changed_is_nothing_written() -> None:
    assert edited(COMMENTED, lambda config: config) == COMMENTED


def test_talosctls_form_is_kept_when_the_file_has_it() -> None:
    canonical = render(TalosConfig.parse(COMMENTED))
    assert "#" not in canonical
    assert edited(canonical, lambda config: config.with_current("prod")) == canonical.replace('context: "0123"', "context: prod")


def test_merging_renames_and_takes_the_current_context() -> None:
    ours = TalosConfig.parse("context: a\ncontexts: {a: {endpoints: [x]}, a-1: {}}")
    theirs = TalosConfig.parse("context: a\ncontexts: {a: {endpoints: [y]}, b: {}}")
    merged, renames = ours.merged(theirs)
    assert renames == (("a", "a-2"),)
    assert merged.current == "a-2"
    assert merged.context().endpoints == ("y",)
    assert merged.context("a").endpoints == ("x",)


def test_merging_a_file_whose_current_context_is_missing_keeps_ours() -> None:
    ours = TalosConfig.parse("context: a\ncontexts: {a: {}}")
    merged, _ = ours.merged(TalosConfig.parse("context: gone\ncontexts: {b: {}}"))
    assert merged.current == "a"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
contexts = st.builds(
    Context,
    name=texts,
    endpoints=st.lists(texts, max_size=3).map(tuple),
    nodes=st.lists(texts, max_size=3).map(tuple),
    ca_base64=st.sampled_from(["", "Y2E="]),
    auth=st.sampled_from([{}, {"siderov1": {"identity": "me@example.org"}}]),
    cluster=st.sampled_from(["", "demo", "on"]),
)


LAYOUTS = {
    "fresh": None,
    "commented": COMMENTED,
    "flow": "{context: a, contexts: {a: {endpoints: ['1.1.1.1'], unknown: [1, {x: y}]}, b: {}}}  # end\n",
    "windows": COMMENTED.replace("\n", "\r\n"),
    "merge key": "base: &base\n  endpoints: [x]  # all\ncontexts:\n  a:\n    <<: *base\n    nodes: [n]\n  b:\n    nodes: [m]\n",
    "bare": "# nothing yet\ncontexts:\n",
    "no newline": "contexts:\n  a:\n    nodes:\n    - n  # one",
    "several documents": "contexts: {}\n---\nother: 1\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=25)
@given(made=st.lists(contexts, max_size=4))
def test_every_configuration_survives_every_layout(layout: str, made: list[Context]) -> None:
    config = TalosConfig(current=made[0].name if made else "", contexts={context.name: context for context in made})
    text = render(config, before=LAYOUTS[layout])
    assert TalosConfig.parse(text) == config


@pytest.mark.parametrize("layout", [name for name, text in LAYOUTS.items() if text])
def test_adding_a_context_keeps_every_layout(layout: str) -> None:
    before = LAYOUTS[layout]
    assert before is not None
    config = TalosConfig.parse(before).with_context(Context(name="new", endpoints=("10.9.9.9",)))
    text = render(config, before=before)
    assert TalosConfig.parse(text) == config
    kept = [line for line in before.splitlines() if "#" in line or "unknown" in line or "other" in line]
    assert all(line.partition("#")[2] in text for line in kept)


def test_what_anchors_share_is_not_edited() -> None:
    text = "base: &base\n  endpoints: [x]\ncontexts:\n  a: *base\n  b: *base\n"
    config = TalosConfig.parse(text)
    assert config.context("b").endpoints == ("x",)
    with pytest.raises(ConfigError, match="anchors"):
        render(config.with_context(Context(name="b", endpoints=("y",))), before=text)


def test_items_of_nothing_are_none() -> None:
    config = TalosConfig.parse("contexts:\n  a: {endpoints: [~, x, null], nodes: [null]}\n")
    assert config.context("a") == Context(name="a", endpoints=("x",))


@pytest.mark.parametrize(
    ("other", "compat", "current"),
    [
        ("context: gone\ncontexts: {b: {}}\n", [], "a"),
        ("context: gone\ncontexts: {b: {}}\n", ["--compat=talosctl"], ""),
        ("contexts: {b: {}, '': {}}\n", ["--compat=talosctl"], "a"),
        ("context: b\ncontexts: {b: {}}\n", ["--compat=talosctl"], "b"),
    ],
)
def test_a_merge_takes_over_the_current_context(
    other: str, compat: list[str], current: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("context: a\ncontexts: {a: {}}\n")
    Path("other").write_text(other)
    assert main(["config", "merge", "other", "--talosconfig", "mine", *compat]) == 0
    assert TalosConfig.load("mine").current == current
