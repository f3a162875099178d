"""Where Go breaks the lines of long scalars.

Source: go.yaml.in/yaml v4 as talosctl v1.14 uses it.
"""

from __future__ import annotations


def folded(text: str, *, start: int, indent: int, width: int) -> str:
    """A scalar of one line, broken at each lone blank at which its line is longer than the width.

    In double quotes also at the first of several blanks: the next line then begins with an escaped one.

    Args:
        text: as it is written, with its quotes.
        start: the column of its first character.
        indent: the column of further lines.
        width: in characters; one line may be longer by what is left of a word.
    """
    if start + len(text) <= width or " " not in text or "\n" in text:  # a block has lines of its own
        return text
    quote = text[0] if text[0] in "\"'" else ""
    first, last = (1, len(text) - 2) if quote else (0, len(text) - 1)
    out: list[str] = []
    begun, base = 0, start  # where the line begins, in the text and as a column
    position = text.find(" ")
    while position >= 0:
        after_blank, before_blank = text[position - 1] == " ", text[position + 1 : position + 2] == " "
        fits = base + position - begun <= width
        if not (fits or after_blank or (before_blank and quote != '"')) and first < position < last:
            out += (text[begun:position], "\n", " " * indent)
            begun, base = position + 1, indent
            if before_blank:
                out.append("\\")
                base += 1
        position = text.find(" ", position + 1)
    return "".join([*out, text[begun:]])
