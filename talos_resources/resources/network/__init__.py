"""Resources of Talos's package `network`."""
