"""Resources of Talos's package `time`."""
