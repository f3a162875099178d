"""Times within plain values: texts that remember that they are times."""

from __future__ import annotations


class TimeText(str):
    """A moment in a document: the text as Go prints it (RFC 3339, as many fraction digits as needed).

    It is a text to JSON and to whoever compares; the emitter writes it plain, where it would quote
    a text that looks the same.
    """

    __slots__ = ()
