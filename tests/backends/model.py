"""What happened in a state, as tests against a model keep it."""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.model.resource import Resource


@attrs.frozen
class Write:
    """A write: the resource before and after, None where there was or is none."""

    old: Resource[Any] | None
    new: Resource[Any] | None

    def word(self, zone: str | None, only: str | None) -> str | None:
        """What a watch of a zone or of one id tells of it."""
        either = self.new or self.old
        assert either is not None
        if only is not None and either.id != only:
            return None
        before = self.old is not None and zone in {None, self.old.labels.get("zone")}
        after = self.new is not None and zone in {None, self.new.labels.get("zone")}
        if before and after:
            return f"~{either.id}{either.version}"
        if after:
            return f"+{either.id}{either.version}"
        return f"-{either.id}{either.version}" if before else None
