"""`aconnect`: a live node for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from talos_resources.rpc.client.connect import connect
from talos_resources.state.aio import AioState
from talos_resources.state.contract import State

P = ParamSpec("P")


def _for_asyncio(opening: Callable[P, State]) -> Callable[P, AioState]:
    """The same function with the same arguments, whose state is for asyncio."""

    @wraps(opening)
    def opened(*args: P.args, **kwargs: P.kwargs) -> AioState:
        return AioState(opening(*args, **kwargs))

    return opened


aconnect = _for_asyncio(connect)
"""The state of a live node for asyncio; the arguments and errors are those of `connect`.

```python
async with aconnect(nodes="10.0.0.1") as node:
    async for event in node.watch_kind(KubeSpanPeerStatus): ...
```

It connects when it is first used. Leaving `async with`, cancelled or not, ends its watches and closes its connections.
"""
