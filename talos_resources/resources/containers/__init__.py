"""Resources of Talos's package `containers`."""
