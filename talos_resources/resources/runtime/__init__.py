"""Resources of Talos's package `runtime`."""
