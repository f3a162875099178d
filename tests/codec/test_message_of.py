"""The message of a spec of which there is only the YAML."""

from __future__ import annotations

import pytest

from talos_resources.codec.specs import message_of, spec_from_wire
from talos_resources.resources import KubeSpanPeerSpec

PEERS = "KubeSpanPeerSpecs.kubespan.talos.dev"


@pytest.mark.parametrize(
    ("type", "yaml", "is_kept"),
    [
        (PEERS, "label: worker-1\n", True),
        (PEERS, f"label: {'w' * 5000}\n", False),  # or a few thousand of them would fill the memory
        ("KubeSpanIdentities.kubespan.talos.dev", "privateKey: secret=\n", False),
    ],
)
def test_what_is_short_and_no_secret_is_kept(type: str, yaml: str, *, is_kept: bool) -> None:
    first, second = message_of(type, yaml), message_of(type, yaml)
    assert first == second != b""
    assert (first is second) == is_kept


def test_it_reads_back() -> None:
    assert spec_from_wire(KubeSpanPeerSpec, message_of(PEERS, "label: worker-1\n"), path="spec").label == "worker-1"


@pytest.mark.parametrize(("type", "yaml"), [(PEERS, ""), (PEERS, "label: [1]\n"), ("Rows.tests.talos.dev", "a: 1\n")])
def test_there_is_none_of_what_the_class_does_not_take(type: str, yaml: str) -> None:
    assert message_of(type, yaml) == b""
