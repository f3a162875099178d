"""What happens on nodes from now on, from the news of who follows them."""

from __future__ import annotations

from collections.abc import Sequence

from talos_resources.rpc.client.continuity import Continuity
from talos_resources.sources.following import News
from talos_resources.state.events import AnyEvent, Bootstrapped
from talos_resources.state.watch_spec import WatchSpec


class Happening:
    """Leaves out what was there when a node began to be followed; of what is told anew later it finds what has changed."""

    def __init__(self) -> None:
        """Begins; the news of a kind of a node must come in order."""
        self._known: dict[tuple[str, str, str], Continuity] = {}
        self._began: set[tuple[str, str, str]] = set()

    def of(self, news: News) -> Sequence[AnyEvent]:
        """What has happened since the last news of this kind of this node."""
        key = news.node, news.kind.namespace, news.kind.type
        if not news.events:  # a watch begins, and tells all that is there
            continuity = self._known.setdefault(key, Continuity(WatchSpec(*key[1:], bootstrap=True)))
            continuity.start(bookmark_is_good=False)
            continuity.established()
            return ()
        events, _ = self._known[key].tell(news.events)
        if key in self._began:
            return events
        for number, event in enumerate(events):
            if isinstance(event, Bootstrapped):
                self._began.add(key)
                return events[number + 1 :]
        return ()
