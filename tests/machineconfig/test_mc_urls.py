"""URLs as Go's net/url reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.machineconfig.schema import urls


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("HTTPS://A.example.org:6443", "https://A.example.org:6443"),  # the scheme alone changes its case
        ("https://user:p%40ss@host:1/x", "https://user:p%40ss@host:1/x"),
        ("https://a/?", "https://a/?"),
        ("https://a?x=y z", "https://a?x=y z"),
        ("https://a/#", "https://a/"),
        ("https:/a", "https:/a"),
        ("https:///x", "https:///x"),
        ("mailto:a@b", "mailto:a@b"),
        ("//h/p", "//h/p"),
        ("a/b", "a/b"),
        ("", ""),
        ("https://a/\u00e9 b", "https://a/%C3%A9%20b"),
        ("https://\u00e9.example", "https://%C3%A9.example"),
        ("https://%C3%A9.example", "https://%C3%A9.example"),
        ("https://[fe80::1%25eth0]:80/", "https://[fe80::1%25eth0]:80/"),
        ("https://a/%2f", "https://a/%2f"),
        ("https://host:", "https://host:"),
        ("https://a:b:c@h", "https://a:b%3Ac@h"),
        ("https://@h", "https://@h"),
        ("https://h#a b", "https://h#a%20b"),
        ("https://h/* ", "https://h/%2A%20"),
        ("tcp://fe80::1", "tcp://fe80::1"),  # only http and https are held to one colon
    ],
)
def test_what_is_read_is_written_as_go_does(text: str, written: str) -> None:
    assert urls.canonical(text) == written
    assert urls.canonical(written) == written


@pytest.mark.parametrize(
    "text",
    [
        "https://%zz/",
        "https://a/%zz",
        "https://a/#%zz",
        "https://a b/",
        "https://a%20b/",
        "https://%41.example/",
        "http://[::1",
        "http://[::1]x",
        "http://a:port",
        "https://a:1:b/",
        "https://us er@h/",
        "https://u%zz@h/",
        ":80",
        "a:b",
        "1a:b",
        "https://a\x00/",
        "https://a{b}/",
        "https://fe80::1",
        "https://a:1:2",
        "https://[]",
        "https://[10.0.0.1]",
        "https://[v1.x]",
        "https://a[::1]",
        "https://[::1%25]",
        "https://[fe80::1%eth0]",
    ],
)
def test_what_go_refuses(text: str) -> None:
    if text == "a:b":
        assert urls.parse(text).opaque == "b"
        return
    with pytest.raises(ValueError, match=r"\w"):
        urls.parse(text)


def test_passwords_are_in_no_message() -> None:
    for text in ("1x:secret@h", "https://us er:secret@h", "https://u:secret@a b"):
        with pytest.raises(ValueError, match=r"\w") as caught:
            urls.parse(text)
        assert "secret" not in str(caught.value)
    assert "secret" not in repr(urls.parse("https://u:secret@h"))


@given(st.text(st.sampled_from('ahtps:/?#[]@%25 .\u00e9<"'), max_size=16))
def test_writing_is_stable(text: str) -> None:
    try:
        once = urls.canonical(text)
    except ValueError:
        return
    assert urls.canonical(once) == once
