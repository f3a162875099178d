"""Moved to `talos_resources.sources.snapshots`."""

from talos_resources.model.moved import moved

__getattr__ = moved(__name__, "talos_resources.sources.snapshots")
