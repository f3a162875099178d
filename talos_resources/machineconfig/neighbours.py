"""What is given for a machine configuration by mistake: the files that lie beside it."""

from __future__ import annotations

from typing import Final

from talos_resources.codec.goyaml.nodes import Node
from talos_resources.machineconfig.document import MAIN_KEYS

_BUNDLE: Final = ("secrets", "certs", "trustdinfo")


def neighbour(root: Node) -> str:
    """What a document is that is no part of a machine configuration, and who takes it; empty where nothing tells."""
    if root.kind != "mapping":
        return _of_items(root)
    kind, version = (_word(root, key) for key in ("kind", "apiVersion"))
    if kind == "Config" and root.get("clusters") is not None:
        return "a kubeconfig; kubectl reads it"
    if kind and version and version != "v1alpha1" and (root.get("metadata") is not None or kind.endswith("List")):
        return f"a Kubernetes manifest ({kind[:60]}); `cilium inline` puts one into a configuration"
    if kind:
        return ""
    if root.get("contexts") is not None and not any(root.get(key) for key in MAIN_KEYS):
        return "a talosconfig; `config info` reads it, and --talosconfig names it"
    if sum(root.get(key) is not None for key in _BUNDLE) > 1:
        return "a secrets bundle; `gen config --with-secrets` makes configurations from it"
    return ""


def _of_items(root: Node) -> str:
    items = root.items if root.kind == "sequence" else []
    if items and all(item.kind == "mapping" and item.get("op") is not None for item in items):
        return "a JSON patch; `machineconfig patch FILE --patch @PATCH` applies it"
    return ""


def _word(root: Node, key: str) -> str:
    node = root.get(key)
    return str(node.text) if node is not None and node.kind == "scalar" and not node.is_null else ""
