"""talosconfig files: the contexts by which talosctl reaches a cluster; read, chosen from, written."""

from talos_resources.talosconfig.config import TalosConfig as TalosConfig
from talos_resources.talosconfig.context import Context as Context
