"""Resources of Talos's package `perf`."""
