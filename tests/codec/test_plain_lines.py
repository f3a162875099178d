"""The reader of the narrow form says what the reader of all YAML says, or nothing."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talos_resources.codec import plain_lines
from talos_resources.codec.text import resource_from_yaml, resource_to_yaml
from talos_resources.model.errors import DecodeError
from talos_resources.resources import Affiliate, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, Member
from talos_resources.sources.registry import open_source
from talos_resources.sources.writing import held_by

TYPED = (Affiliate, KubeSpanPeerSpec, KubeSpanPeerStatus, Member)


@cache
def texts() -> tuple[str, ...]:
    """The documents of a node of the demo."""
    with open_source("demo") as cluster:
        return tuple(map(resource_to_yaml, held_by(cluster.state(cluster.nodes[0]), show_secrets=True)))


def test_every_document_is_read_as_by_the_reader_of_all_yaml() -> None:
    for text in texts():
        found = plain_lines.read(text)
        assert found is None or found.resource == resource_from_yaml(text)


def test_what_bundles_consist_of_is_read() -> None:
    with open_source("demo") as cluster:
        state = cluster.state(cluster.nodes[0])
        for cls in TYPED:
            found = state.list(cls)
            assert found
            for resource in found:
                text = resource_to_yaml(resource)
                assert plain_lines.read(text) == (None, resource_from_yaml(text))


def test_the_node_is_told_and_equal_specs_are_one() -> None:
    text = next(text for text in texts() if "KubeSpanPeerSpecs.kubespan" in text and "\nspec:\n    address" in text)
    first, second = plain_lines.read(text), plain_lines.read(f"node: 10.0.0.1\n{text}")
    assert first is not None
    assert second is not None
    assert second.node == "10.0.0.1"
    assert first.resource.spec is second.resource.spec


def test_a_secret_is_not_remembered() -> None:
    with open_source("demo") as cluster:
        [identity] = cluster.state(cluster.nodes[0]).list(KubeSpanIdentity)
    text = resource_to_yaml(identity)
    first, second = plain_lines.read(text), plain_lines.read(text)
    if first is not None and second is not None:
        assert first.resource.spec is not second.resource.spec


@pytest.mark.parametrize(
    "body",
    [
        "    a: 1\n    a: 2\n",
        "    a: b\n        c: d\n",
        "    a:\n    - b\n",
        "    a: b # c\n",
        "    a: &x b\n",
        "    a: |\n        b\n",
        "    a: 'b'\n",
        "    a: b: c\n",
        "    a: @b\n",
        "    a: -\n",
        "    a:\n        - b\n        c: d\n",
        "    true: a\n",
        "   a: b\n",
        "    a: b",
        '    a: "\\n"\n',
        '    a: "on"\n',
    ],
)
def test_what_is_not_in_the_narrow_form_is_left_to_others(body: str) -> None:
    with pytest.raises(ValueError, match=r"\d+"):
        plain_lines.values_of(body)


@given(st.data())
@example(None)
def test_however_a_document_is_changed(data: st.DataObject | None) -> None:
    """A change somewhere: what is still read is read as by the other."""
    if data is None:
        return
    text = data.draw(st.sampled_from(texts()))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        put = data.draw(st.sampled_from(["", " ", "    ", "\n", ":", ": ", "- ", "#", " #", '"', "'", "~", "null", "true", "0", "1", "é", "\t", "[]", "{}", "&a", "*a", "!"]))  # fmt: skip
        text = text[:position] + put + text[position + cut :]
    found = plain_lines.read(text)
    if found is None:
        return
    try:
        expected = resource_from_yaml(text)
    except DecodeError as error:  # pragma: no cover - a difference
        pytest.fail(f"only one reader takes it: {error}\n{text}")
    assert found.resource == expected
