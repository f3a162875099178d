"""The rules of a State as tests; any backend runs them.

```python
class TestMyState(StateConformance):
    can = Can(tail_events=False)

    @pytest.fixture
    def state(self):
        with closing(MyState(...)) as state:      # empty, a new one for each test
            yield state
```

Source: COSI runtime v1.16.2. Each test says one rule.
"""

from __future__ import annotations

from talos_resources.testing.conformance.core import CoreConformance
from talos_resources.testing.conformance.derived import DerivedConformance
from talos_resources.testing.conformance.kinds import KindConformance
from talos_resources.testing.conformance.parts import Can
from talos_resources.testing.conformance.queries import QueryConformance
from talos_resources.testing.conformance.resuming import ResumeConformance
from talos_resources.testing.conformance.threads import ThreadConformance
from talos_resources.testing.conformance.watching import WatchConformance

__all__ = ["Can", "StateConformance"]


class StateConformance(
    CoreConformance,
    QueryConformance,
    WatchConformance,
    ResumeConformance,
    DerivedConformance,
    ThreadConformance,
    KindConformance,
):
    """All rules; a subclass says what the backend can do and makes the fixture `state`."""
