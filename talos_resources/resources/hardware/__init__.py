"""Resources of Talos's package `hardware`."""
