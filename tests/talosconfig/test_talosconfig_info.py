"""What `config info` says of a certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from talos_resources.rpc import pki
from talos_resources.talosconfig.config import Context
from talos_resources.talosconfig.info import certificate_info, relative_time

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (0.9, "now"),
        (1, "1 second from now"),
        (-1.5, "1 second ago"),
        (59, "59 seconds from now"),
        (60, "1 minute from now"),
        (120, "2 minutes from now"),
        (-3600, "1 hour ago"),
        (7200, "2 hours from now"),
        (86400, "1 day from now"),
        (2 * 86400, "2 days from now"),
        (7 * 86400, "1 week from now"),
        (14 * 86400, "2 weeks from now"),
        (30 * 86400, "1 month from now"),
        (60 * 86400, "2 months from now"),
        (-360 * 86400, "1 year ago"),
        (540 * 86400, "2 years from now"),
        (1080 * 86400, "3 years from now"),
        (37 * 360 * 86400, "a long while from now"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert relative_time(NOW + timedelta(seconds=seconds), now=NOW) == words


def test_roles_are_sorted_and_each_once() -> None:
    client = pki.issue_client(pki.new_authority("talos", now=NOW), roles=["os:reader", "custom", "os:reader"], now=NOW)
    info = certificate_info(Context.of("a", crt=client.crt, key=client.key))
    assert info is not None
    assert info.roles == ("custom", "os:reader")
    assert info.not_after == NOW + timedelta(hours=8760)
    assert certificate_info(Context(name="a")) is None
