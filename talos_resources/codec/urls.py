"""URLs as YAML and JSON show them: the parts of Go's net/url.URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from talos_resources.model.values import URL

_PATH_SAFE: Final = "/:@!$&'()*+,;=~"
_DEFAULTS: Final[dict[str, Any]] = {
    "scheme": "", "opaque": "", "user": None, "host": "", "path": "", "fragment": "",
    "rawquery": "", "rawpath": "", "rawfragment": "", "forcequery": False, "omithost": False,
}  # fmt: skip


def url_to_plain(url: URL | None) -> dict[str, Any] | None:
    """The parts of a URL; user information is not told, as Go does not.

    Source: Talos v1.14, recorded resources; Go's net/url.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL: all of it is opaque
        return {**_DEFAULTS, "opaque": str(url)}
    host = parts.netloc.rpartition("@")[2]
    path, fragment = unquote(parts.path), unquote(parts.fragment)
    opaque = parts.path if parts.scheme and not host and not parts.path.startswith("/") else ""
    return {
        "scheme": parts.scheme,
        "opaque": opaque,
        "user": {} if "@" in parts.netloc else None,
        "host": host,
        "path": "" if opaque else path,
        "fragment": fragment,
        "rawquery": parts.query,
        "rawpath": "" if opaque or quote(path, safe=_PATH_SAFE) == parts.path else parts.path,
        "rawfragment": "" if quote(fragment, safe=_PATH_SAFE + "?") == parts.fragment else parts.fragment,
        "forcequery": url.endswith("?"),
        "omithost": False,
    }


def url_from_plain(value: Any) -> URL | None:
    """The URL of such parts, or of a text.

    Raises:
        ValueError: the value is neither.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return URL(value)
    if not isinstance(value, Mapping) or not value.keys() <= _DEFAULTS.keys():
        raise ValueError("expected a URL or its parts (scheme, host, path, ...)")
    part = {**_DEFAULTS, **value}
    text = f"{part['scheme']}:" if part["scheme"] else ""
    if part["opaque"]:
        text += part["opaque"]
    else:
        text += f"//{part['host']}" if part["host"] or (part["scheme"] and not part["omithost"]) else ""
        text += part["rawpath"] or quote(part["path"], safe=_PATH_SAFE)
    if part["rawquery"] or part["forcequery"]:
        text += f"?{part['rawquery']}"
    if part["fragment"]:
        text += "#" + (part["rawfragment"] or quote(part["fragment"], safe=_PATH_SAFE + "?"))
    return URL(text)
