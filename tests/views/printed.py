"""Resources to print, and what is printed of them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, PeerState

STATUS: Kind[Any] = kind_of(KubeSpanPeerStatus)


def status(id: str, label: str, state: PeerState, *, version: int = 1) -> Resource[Any]:
    spec = KubeSpanPeerStatus(endpoint=AddrPort.parse("172.20.0.3:51820"), label=label, state=state, receive_bytes=15043220)
    return Resource.new(spec, id=id).with_metadata(version=version)


UP = status("06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", "talos-default-controlplane-2", PeerState.UP, version=63)
DOWN = status("b=", "worker-1", PeerState.DOWN)
UNKNOWN = status("c=", "worker-2", PeerState.UNKNOWN, version=12)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert not tags.open
    return tags
