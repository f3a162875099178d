"""Kubernetes JSONPath templates, as kubectl and talosctl understand them.

`compile` a template once, then `find` in as many values as you like; see `docs/jsonpath.md` for the language.
"""

from talos_resources.views.jsonpath.path import Path, compile  # noqa: A004 - `jsonpath.compile`, as there is `re.compile`

__all__ = ["Path", "compile"]
