"""What IPython would show, asked of IPython itself."""

from __future__ import annotations

from types import SimpleNamespace

from IPython.core.formatters import DisplayFormatter

from talos_resources.views.notebook import register


def shown(value: object) -> str:
    """The HTML of a value in a notebook; empty for none."""
    formatter = DisplayFormatter()
    register(SimpleNamespace(display_formatter=formatter))
    data, _ = formatter.format(value)  # type: ignore[no-untyped-call]  # IPython has no types
    return str(data.get("text/html", ""))
