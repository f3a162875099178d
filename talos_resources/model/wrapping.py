"""Prose in lines of so many columns, broken at words: for terminals, helps and pages of text, in one place."""

from __future__ import annotations

from talos_resources.model.printable import printable

_NARROWEST = 40
"""What is narrower than this is not read more easily for being wrapped."""


def wrapped(lead: str, text: str, width: int | None) -> list[str]:
    """A text of others in lines, the further ones under the first.

    Args:
        lead: what stands before it, such as `Why: `.
        text: any; its control characters are shown as escapes.
        width: columns, the lead among them; None leaves it one line.
    """
    text = printable(text)
    return [lead + text] if width is None else folded(text, max(width, _NARROWEST), lead=lead, under=" " * len(lead))


def folded(text: str, width: int, *, lead: str = "", under: str = "") -> list[str]:
    """A text in lines; words that are longer than a line stay whole, so that they can be copied.

    Args:
        text: one paragraph; nothing of it is made printable here.
        width: columns, the lead among them.
        lead: what stands before the first line.
        under: what stands before the others.
    """
    import textwrap  # half a millisecond, which commands that wrap nothing need not pay

    return textwrap.wrap(
        text,
        width,
        initial_indent=lead,
        subsequent_indent=under,
        break_long_words=False,
        break_on_hyphens=False,
    )
