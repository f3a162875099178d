"""Resources of Talos's package `block`."""
