"""Moved to `talos_resources.machineconfig.configured_node`."""

from talos_resources.model.moved import moved

__getattr__ = moved(__name__, "talos_resources.machineconfig.configured_node")
