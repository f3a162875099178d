"""Where resources come from: a URL or a path → the states of some nodes, by name."""

from talos_resources.sources.cluster import Cluster
from talos_resources.sources.registry import choose, open_source, open_sources

__all__ = ["Cluster", "choose", "open_source", "open_sources"]
