"""Resources of Talos's package `storage`."""
