"""The frame of every page that we write: one dress, light and dark, for phones too; a page loads nothing from anywhere."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Final

END: Final = "</body>\n</html>\n"
_STYLE: Final = Path(__file__).with_name("page.css")


def begin(title: str, *, scripts: bool = False) -> str:
    """Everything up to the body.

    Args:
        title: as text.
        scripts: whether those that stand in the page may run; those from elsewhere never do.
    """
    script = "; script-src 'unsafe-inline'" if scripts else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'{script}\">\n"
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
    )


def header(title: str, below: str = "") -> str:
    """The headline of a page, and a line below it."""
    under = f'<div class="dim">{html.escape(below)}</div>\n' if below else ""
    return f"<header>\n<h1>{html.escape(title)}</h1>\n{under}</header>\n"
