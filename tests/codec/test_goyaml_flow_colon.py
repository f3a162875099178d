"""URLs in flow collections, which an old libyaml refuses and Go accepts."""

from __future__ import annotations

import pytest

from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.model.errors import DecodeError


def test_a_url_needs_no_quotes_in_a_flow_list() -> None:
    (root,) = compose_all("a: &x [https://a.example/b, c]\nd: *x\n")
    urls = root.get("a")
    assert urls is not None
    assert [item.text for item in urls.items] == ["https://a.example/b", "c"]
    assert root.get("d") is urls
    assert (urls.line, urls.start, urls.items[0].style) == (1, 3, "")


def test_faults_after_it_still_name_their_line() -> None:
    with pytest.raises(DecodeError, match=r"x\.yaml:3: not YAML"):
        compose_all("a: [https://a.example]\nb: [c\n", source="x.yaml")


def test_deep_nesting_is_bounded_there_too() -> None:
    with pytest.raises(DecodeError, match="nested deeper"):
        compose_all("a: [x://y]\nb: " + "[" * 5000)
