"""What somebody may have meant who wrote a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 2) -> str:
    """The end of an error line: `; did you mean mesh or members?`, or nothing where no name is near."""
    from difflib import get_close_matches  # only who has mistyped pays for it

    lower = {other.lower(): other for other in known}
    wanted = name.lower()
    begun = [found for found in lower if wanted and found.startswith(wanted)]
    close = [lower[found] for found in (get_close_matches(wanted, lower, n=limit) or begun[:limit])]
    return f"; did you mean {' or '.join(close)}?" if close else ""
