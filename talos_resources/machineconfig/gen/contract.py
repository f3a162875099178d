"""Moved to `talos_resources.releases`."""

from talos_resources.model.moved import moved

__getattr__ = moved(__name__, "talos_resources.releases")
